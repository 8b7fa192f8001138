# SPDX-License-Identifier: Apache-2.0
"""Train the detector for a fixed time; resumes where it was stopped.

python -m detector.train --data DATA --work WORK --minutes 100
"""

import argparse
import copy
import math
import signal
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn

from precision import fastest

from . import bank, photographs
from .compose import Composer
from .network import PlateNetwork
from .quick_check import QuickCheck
from .targets import losses, target
from .weather import weathered


class Trainer:
    """The network, its running average, the optimizer, and how long they have been at it."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.precision = fastest(self.device)
        torch.manual_seed(arguments.seed)
        self.network = PlateNetwork().to(self.device, memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.network).eval()
        groups = [
            {"params": [p for p in self.network.parameters() if p.ndim > 1], "weight_decay": 2e-3},
            {"params": [p for p in self.network.parameters() if p.ndim <= 1], "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=arguments.rate)
        self.step, self.spent_s = 0, 0.0
        self.checkpoint = arguments.work / f"{arguments.name}.pt"
        if self.checkpoint.exists():
            self.resume()
        elif arguments.start_from:
            weights = torch.load(arguments.start_from, map_location=self.device)["average"]
            self.network.load_state_dict(weights)
            self.average.load_state_dict(weights)
        rng = np.random.default_rng([arguments.seed, self.step])
        self.rng = rng
        self.composer = Composer(
            rng,
            photographs.load(arguments.work),
            bank.load(arguments.work / "plates.npz"),
            bank.load(arguments.work / "distractors.npz"),
        )

    def resume(self) -> None:
        state = torch.load(self.checkpoint, map_location=self.device)
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.spent_s = state["step"], state["spent_s"]
        print(f"resumed at step {self.step}, {self.spent_s / 60:.1f} minutes", flush=True)

    def save(self) -> None:
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
        """Warm up, then fall along a cosine to the end of the time."""
        done = min(1.0, self.spent_s / (60 * self.arguments.minutes))
        warm = min(1.0, (self.step + 1) / 300)
        return self.arguments.rate * warm * (0.5 * (1 + math.cos(math.pi * done)) + 0.005)

    def batch(self) -> tuple[torch.Tensor, torch.Tensor]:
        scenes = [self.composer.scene() for _ in range(self.arguments.batch)]
        images = np.stack([weathered(self.rng, scene.image) for scene in scenes])
        wanted = np.stack([target(scene) for scene in scenes])
        x = torch.from_numpy(images).to(self.device).permute(0, 3, 1, 2)
        return x.float() / 127.5 - 1, torch.from_numpy(wanted).to(self.device)

    def learn(self) -> list[float]:
        x, wanted = self.batch()
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate()
        with torch.autocast(
            self.device.type, self.precision, enabled=self.precision != torch.float32
        ):
            features = self.network.features(x.contiguous(memory_format=torch.channels_last))
        parts = losses(self.network.predict(features.float()), wanted)
        self.optimizer.zero_grad()
        parts.total.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 10)
        self.optimizer.step()
        self.step += 1
        self.follow()
        return [float(part.detach()) for part in (parts.heat, parts.box, parts.corners)]

    @torch.no_grad()
    def follow(self) -> None:
        """Move the running average a little towards the network."""
        keep = min(0.998, (self.step + 1) / (self.step + 10))
        for mine, theirs in zip(
            self.average.state_dict().values(), self.network.state_dict().values(), strict=True
        ):
            if mine.dtype.is_floating_point:
                mine.lerp_(theirs, 1 - keep)
            else:
                mine.copy_(theirs)


def run(arguments: argparse.Namespace) -> None:
    trainer = Trainer(arguments)
    check = QuickCheck(arguments.data)
    begun, before, first = time.monotonic(), trainer.spent_s, trainer.step
    checked, mean = begun, np.zeros(3)
    stopping: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _frame: stopping.append(number))
    while trainer.spent_s < 60 * arguments.minutes and not stopping:
        mean = 0.99 * mean + 0.01 * np.array(trainer.learn())
        now = time.monotonic()
        trainer.spent_s = before + now - begun
        if trainer.step % 100 == 0:
            pace = (now - begun) / max(1, trainer.step - first)
            print(
                f"{trainer.spent_s / 60:6.1f} min  step {trainer.step}  {mean.round(3)}", end="  "
            )
            print(f"rate {trainer.rate():.1e}  {1000 * pace / arguments.batch:.1f} ms", flush=True)
        if now - checked > 60 * arguments.check_minutes:
            trainer.save()
            print(f"  validation: {check.report(trainer.average)}", flush=True)
            checked = time.monotonic()
    trainer.save()
    if not stopping:
        print(f"finished after {trainer.step} steps: {check.report(trainer.average)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with plates.csv and val/")
    parser.add_argument("--work", type=Path, required=True, help="folder with what was prepared")
    parser.add_argument("--name", default="detector", help="name of the checkpoint in WORK")
    parser.add_argument("--start-from", type=Path, help="checkpoint whose weights to begin with")
    parser.add_argument("--minutes", type=float, default=100)
    parser.add_argument("--check-minutes", type=float, default=6)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    cv2.setNumThreads(1)
    run(arguments)


if __name__ == "__main__":
    main()
