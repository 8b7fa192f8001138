# SPDX-License-Identifier: Apache-2.0
"""Trains the reader for a fixed time, with averaged weights and resumable checkpoints."""

from __future__ import annotations

import argparse
import copy
import json
import math
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import nn

from precision import fastest
from trunk import settle

from .export import load_average
from .lessons import feature_loss, soft_loss
from .mixture import Mixture
from .network import ReaderNetwork, decode_greedy
from .samples import fit, load_crops, normalise, plain_cut
from .score import by_group
from .shape import ALPHABET, STEPS

# Weights of the true text, the teacher's features and its chances, if there is a teacher.
CTC, HINT, SOFT = 0.1, 5.0, 10.0
SAVE_SECONDS = 300.0
SETTLING_PICTURES = 128


class Average:
    """Exponentially averaged copy of a network's weights and statistics."""

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.network = copy.deepcopy(network).eval()
        self.decay = decay
        self.steps = 0

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Move the copy a little towards the network."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        theirs, mine = network.state_dict(), self.network.state_dict()
        floats = [name for name, value in mine.items() if value.dtype.is_floating_point]
        torch._foreach_lerp_(
            [mine[name] for name in floats], [theirs[name] for name in floats], 1 - decay
        )
        for name in mine.keys() - floats:
            mine[name].copy_(theirs[name])


class Validation:
    """The validation crops, cut at the labelled box with a fixed margin."""

    def __init__(self, data: Path, device: torch.device) -> None:
        crops = load_crops(data, "val")
        pictures = np.stack([normalise(fit(plain_cut(crop))) for crop in crops])
        self.pictures = torch.from_numpy(pictures[:, None]).to(device)
        self.texts = [crop.text for crop in crops]
        self.groups = ["two-line" if crop.two_line else crop.source for crop in crops]

    @torch.no_grad()
    def score(self, network: nn.Module) -> dict[str, float]:
        """Per cent right, by set."""
        parts = [network(self.pictures[at : at + 64]) for at in range(0, len(self.texts), 64)]
        return by_group(decode_greedy(torch.cat(parts)), self.texts, self.groups)


def learning_rate(step: int, share: float, peak: float) -> float:
    """Warm-up by steps, then half a cosine over the time that is given."""
    return peak * min(1.0, (step + 1) / 400) * (0.5 + 0.5 * math.cos(math.pi * share) + 0.003)


def difficulty(share: float) -> float:
    """Strength of the degradation: low at first, and lower again in the second half."""
    return min(1.0, 0.15 + 10 * share, 0.8 - 0.5 * (share - 0.5))


def targets(texts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
    """Class numbers of all texts in a row, and the lengths."""
    flat = [ALPHABET.index(character) + 1 for text in texts for character in text]
    return torch.tensor(flat), torch.tensor([len(text) for text in texts])


def first_network(start_from: Path | None, published: Path | None) -> ReaderNetwork:
    """The initial weights: those of an earlier training, published or random ones."""
    if start_from is not None:
        return load_average(start_from).train()
    network = ReaderNetwork(light=published is None)
    if published is not None:
        network.take(torch.load(published, map_location="cpu", weights_only=True))
    return network


class Training:
    """One run: network, averaged weights, optimiser and progress."""

    def __init__(self, options: argparse.Namespace) -> None:
        torch.manual_seed(options.seed)
        self.options = options
        self.device = torch.device(options.device)
        self.precision = fastest(self.device)
        self.network = first_network(options.start_from, options.published)
        self.network.to(self.device, memory_format=torch.channels_last)
        self.average = Average(self.network, 0.9985)
        trunk = [weight for part in self.network.trunk for weight in part.parameters()]
        heads = list(self.network.columns.parameters())
        self.optimiser = torch.optim.AdamW(
            [{"params": trunk, "share": options.trunk}, {"params": heads, "share": 1.0}],
            lr=options.peak,
            weight_decay=0.02,
        )
        self.loss = nn.CTCLoss(zero_infinity=True)
        self.teacher: ReaderNetwork | None = None
        if options.teacher is not None:
            self.teacher = load_average(options.teacher).to(self.device)
            self.network.eval()  # as it is at the gate, so that it can become like the teacher
        self.step = 0
        self.elapsed = 0.0
        self.folder: Path = options.folder

    def resume(self) -> None:
        """Resume from the checkpoint in the folder, if there is one."""
        path = self.folder / "checkpoint.pt"
        if not path.exists():
            return
        saved: dict[str, Any] = torch.load(path, map_location=self.device, weights_only=True)
        self.network.load_state_dict(saved["network"])
        self.average.network.load_state_dict(saved["average"])
        self.average.steps = saved["step"]
        self.optimiser.load_state_dict(saved["optimiser"])
        self.step, self.elapsed = saved["step"], saved["elapsed"]

    def settle(self, pictures: np.ndarray) -> None:
        """Begin with the statistics of these pictures where the weights came without any."""
        settle(self.network.trunk, self.network, torch.from_numpy(pictures).to(self.device))
        self.average.network.load_state_dict(self.network.state_dict())

    def save(self) -> None:
        """Write the checkpoint atomically."""
        part = self.folder / "checkpoint.part"
        torch.save(
            {
                "network": self.network.state_dict(),
                "average": self.average.network.state_dict(),
                "optimiser": self.optimiser.state_dict(),
                "step": self.step,
                "elapsed": self.elapsed,
            },
            part,
        )
        part.rename(self.folder / "checkpoint.pt")

    def learn(self, pictures: np.ndarray, texts: list[str]) -> float:
        """One step on one batch."""
        share = min(1.0, self.elapsed / (self.options.minutes * 60))
        for group in self.optimiser.param_groups:
            group["lr"] = group["share"] * learning_rate(self.step, share, self.options.peak)
        x = torch.from_numpy(pictures).to(self.device).to(memory_format=torch.channels_last)
        with self._quick():
            seen, scores = self.network.stages(x)
        chances = scores.float().log_softmax(-1)
        flat, lengths = targets(texts)
        steps = torch.full((len(texts),), STEPS)
        loss: torch.Tensor = self.loss(
            chances.permute(1, 0, 2), flat.to(self.device), steps, lengths
        )
        if self.teacher is not None:
            loss = CTC * loss + self._unlike(self.teacher, x, seen, chances)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 4.0)
        self.optimiser.step()
        self.average.update(self.network)
        self.step += 1
        return loss.item()

    def _unlike(
        self, teacher: ReaderNetwork, x: torch.Tensor, seen: list[torch.Tensor], said: torch.Tensor
    ) -> torch.Tensor:
        """How far the network is from the teacher on the same pictures: features and chances."""
        with torch.no_grad(), self._quick():
            wanted, scores = teacher.stages(x)
        apart = [feature_loss(a.float(), b.float()) for a, b in zip(seen, wanted, strict=True)]
        chances = scores.float().softmax(-1)
        return HINT * torch.stack(apart).mean() + SOFT * soft_loss(said, chances).mean()

    def _quick(self) -> torch.autocast:
        return torch.autocast(
            self.device.type, self.precision, enabled=self.precision != torch.float32
        )

    def run(self, mixture: Mixture, validation: Validation) -> None:
        """Train until the time is used up; note the scores in log.jsonl."""
        last_save = started = time.monotonic() - self.elapsed
        losses: list[float] = []
        last_save += self.elapsed
        while self.elapsed < self.options.minutes * 60:
            mixture.amount = difficulty(self.elapsed / (self.options.minutes * 60))
            losses.append(self.learn(*mixture.batch(self.options.batch)))
            self.elapsed = time.monotonic() - started
            if self.step % 500 == 0:
                print(f"{self.elapsed:.0f} s, step {self.step}, {np.mean(losses[-200:]):.3f}")
            if time.monotonic() - last_save > SAVE_SECONDS:
                last_save = time.monotonic()
                self.note(validation, losses)
                losses = []
                mixture.rendered.refresh()
        self.note(validation, losses)

    def note(self, validation: Validation, losses: list[float]) -> None:
        """Save, score and write one line of the log."""
        self.save()
        scores = validation.score(self.average.network)
        loss = round(float(np.mean(losses)), 4) if losses else None
        line = {"seconds": round(self.elapsed), "step": self.step, "loss": loss, "right": scores}
        with (self.folder / "log.jsonl").open("a") as handle:
            handle.write(json.dumps(line) + "\n")
        print(line, flush=True)


def main() -> None:
    """Command line: train, resuming from a checkpoint if there is one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="checkpoints and log")
    parser.add_argument("--start-from", type=Path, help="checkpoint to take the weights of")
    parser.add_argument("--teacher", type=Path, help="weights of a network to become like")
    parser.add_argument("--published", type=Path, help="weights of `pretrained` to begin with")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rendered", type=Path, required=True, help="shards of synthesis.cache")
    parser.add_argument("--edges", type=Path, help="borders of characters, from reader.align")
    parser.add_argument("--quads", type=Path, help="corners as localized, from reader.found")
    parser.add_argument("--minutes", type=float, default=110)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--peak", type=float, default=2.5e-3, help="highest learning rate")
    parser.add_argument("--trunk", type=float, default=0.35, help="its share of the learning rate")
    parser.add_argument("--real", type=float, default=0.5, help="share of real crops")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(1)
    options.folder.mkdir(parents=True, exist_ok=True)
    training = Training(options)
    training.resume()
    seed = options.seed + training.step
    mixture = Mixture(
        options.data, options.rendered, seed, options.real, options.edges, options.quads
    )
    if options.published is not None and training.step == 0:
        mixture.amount = difficulty(0)
        training.settle(mixture.batch(SETTLING_PICTURES)[0])
    training.run(mixture, Validation(options.data, training.device))


if __name__ == "__main__":
    main()
