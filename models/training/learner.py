# SPDX-License-Identifier: Apache-2.0
"""Time-bounded training loop with EMA weights and resumable checkpoints."""

from __future__ import annotations

import copy
import math
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from precision import fastest

WARM_UP = 300  # steps


class Learner:
    """A network, the EMA of its weights, the optimizer, and the training time so far."""

    def __init__(
        self,
        network: nn.Module,
        checkpoint: Path,
        minutes: float,
        rate: float,
        gently: Iterable[nn.Parameter] = (),
        share: float = 1.0,
        device: str | None = None,
    ) -> None:
        """`gently`: parameters trained at `share` of the learning rate (pretrained layers).

        Without `device` it is the graphics card if there is one, else the processor.
        """
        self.device = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        self.precision = fastest(self.device)
        taken = {id(weight) for weight in gently}
        self.network = network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.network).eval()
        self.checkpoint, self.minutes, self.peak = checkpoint, minutes, rate
        groups = [
            {
                "params": [
                    weight
                    for weight in self.network.parameters()
                    if (weight.ndim > 1) == decays and (id(weight) in taken) == known
                ],
                "weight_decay": 2e-3 if decays else 0.0,
                "share": share if known else 1.0,
            }
            for decays in (True, False)
            for known in (True, False)
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=rate)
        self.step, self.spent_s = 0, 0.0

    def begin(self, start_from: Path | None) -> None:
        """Resume from the checkpoint if there is one, else start from the weights of another."""
        if self.checkpoint.exists():
            state = torch.load(self.checkpoint, map_location=self.device)
            self.network.load_state_dict(state["network"])
            self.average.load_state_dict(state["average"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.step, self.spent_s = state["step"], state["spent_s"]
            print(f"resumed at step {self.step}, {self.spent_s / 60:.1f} minutes", flush=True)
        elif start_from:
            weights = torch.load(start_from, map_location=self.device)["average"]
            self.network.load_state_dict(weights)
            self.average.load_state_dict(weights)

    def save(self) -> None:
        """Write the checkpoint atomically."""
        state = {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "spent_s": self.spent_s,
        }
        fresh = self.checkpoint.with_suffix(".new")
        torch.save(state, fresh)
        fresh.replace(self.checkpoint)

    def rate(self) -> float:
        """Learning rate: warm-up, then cosine decay to the end of the time."""
        done = min(1.0, self.spent_s / (60 * self.minutes))
        warm = min(1.0, (self.step + 1) / WARM_UP)
        return self.peak * warm * (0.5 * (1 + math.cos(math.pi * done)) + 0.005)

    def pictures(self, images: np.ndarray) -> Tensor:
        """Convert N x H x W x 3 uint8 to the networks' input, N x 3 x H x W in -1..1."""
        x = torch.from_numpy(images).to(self.device).permute(0, 3, 1, 2).float() / 127.5 - 1
        return x.contiguous(memory_format=torch.channels_last)

    def quick(self) -> AbstractContextManager[object]:
        """Context with the fastest number format of this machine (autocast)."""
        return torch.autocast(
            self.device.type, self.precision, enabled=self.precision != torch.float32
        )

    def learn(self, error: Tensor) -> None:
        """One optimizer step on a loss."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate() * group["share"]
        self.optimizer.zero_grad()
        error.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 10)
        self.optimizer.step()
        self.step += 1
        self._follow()

    @torch.no_grad()
    def _follow(self) -> None:
        """Update the EMA weights."""
        keep = min(0.998, (self.step + 1) / (self.step + 10))
        mine, theirs = self.average.state_dict().values(), self.network.state_dict().values()
        pairs = [(a, b) for a, b in zip(mine, theirs, strict=True) if a.is_floating_point()]
        torch._foreach_lerp_([a for a, _ in pairs], [b for _, b in pairs], 1 - keep)
        for a, b in zip(mine, theirs, strict=True):
            if not a.is_floating_point():
                a.copy_(b)

    def run(
        self,
        batch: Callable[[], list[Tensor]],
        weights: tuple[float, ...],
        every_minutes: float,
        report: Callable[[nn.Module], str],
    ) -> None:
        """Train until the time is over or a signal arrives; `batch` returns the loss terms."""
        begun, before, first = time.monotonic(), self.spent_s, self.step
        checked, mean = begun, np.zeros(len(weights))
        stopping: list[int] = []
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _frame: stopping.append(number))
        while self.spent_s < 60 * self.minutes and not stopping:
            parts = batch()
            self.learn(sum(w * part for w, part in zip(weights, parts, strict=True)))  # type: ignore[arg-type]
            mean = 0.99 * mean + 0.01 * np.array([float(part.detach()) for part in parts])
            now = time.monotonic()
            self.spent_s = before + now - begun
            if self.step % 100 == 0:
                pace = 1000 * (now - begun) / (self.step - first)
                print(f"{self.spent_s / 60:6.1f} min  step {self.step}  {mean.round(3)}", end="  ")
                print(f"rate {self.rate():.1e}  {pace:.0f} ms a step", flush=True)
            if now - checked > 60 * every_minutes:
                self.save()
                print(f"  validation: {report(self.average)}", flush=True)
                checked = time.monotonic()
        self.save()
        if not stopping:
            print(f"finished after {self.step} steps: {report(self.average)}", flush=True)
