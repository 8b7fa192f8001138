# SPDX-License-Identifier: Apache-2.0
"""Batches for distilling a small reader: degraded pictures and the shipped reader's outputs.

The teacher gets the clean cut and the degraded one; the target is the mean of its two outputs.
Patches and signs without a plate have the empty text, whatever the teacher reads there.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from precision import fastest

from .batch_cut import LOOSE, TIGHT, Plates, random_cut
from .batch_spoil import clean, fit, spoil
from .export import load_average
from .makers import COLOUR_MIXES, DRAWN, RESPELT, SIGNS, Chunk, chunk_of, without_plate
from .network import ReaderNetwork
from .pack import Packed, crops_of, pictures_of
from .pool import Pool, joined
from .samples import crop_shares
from .shape import HEIGHT as TEACHER_HEIGHT
from .small_network import HEIGHT, WIDTH

REAL, EMPTY = "real", "empty"
# Share of every kind in a batch, how badly it is degraded, and how many pictures are kept.
KINDS = {
    REAL: (0.17, 0.8, 8100),
    RESPELT: (0.34, 0.8, 60_000),
    DRAWN: (0.43, 1.25, 400_000),
    EMPTY: (0.03, 1.0, 1200),
    SIGNS: (0.03, 1.0, 20_000),
}
SMEARED_SHARE = 0.17
FIRST_DRAWN = 2000  # drawn plates before the training begins
CHARACTER_WEIGHT = 8.0  # weight of a step with a character, relative to a blank
LEAST_TRUST = 0.05
LEAST_LENGTH = 6


class Teacher:
    """The shipped reader: its probabilities by step, and its features before the head."""

    def __init__(self, weights: Path, device: torch.device) -> None:
        network = load_average(weights)
        self.network: ReaderNetwork = network.to(device, memory_format=torch.channels_last)
        self.head = self.network.columns[-1]
        self.features = self.network.columns[:-2]
        self.channels = int(self.network.columns[-1].in_channels)  # type: ignore[arg-type]

    @torch.no_grad()
    def see(self, x: Tensor) -> Tensor:
        """Features (batch, channels, 1, columns)."""
        out: Tensor = self.features(self.network.body(self.network.stem(x)))
        return out

    @torch.no_grad()
    def say(self, seen: Tensor) -> Tensor:
        """Chances (batch, steps, classes)."""
        scores = self.head(seen)[:, :, 0].float()
        lines = scores.view(len(scores), 2, -1, scores.shape[-1])
        steps = lines.permute(0, 1, 3, 2).reshape(len(scores), -1, lines.shape[2])
        return steps.softmax(-1)


@dataclass(frozen=True)
class Lesson:
    """One batch: the inputs of the pupils, and their targets."""

    pictures: Tensor
    classes: Tensor
    lengths: Tensor  # on the processor
    shares: Tensor  # what the loss of a text is divided by
    wanted: Tensor  # chances (batch, steps, classes)
    trust: Tensor  # (batch,), how closely the teacher read the true text
    features: Tensor


def text_loss(log_chances: Tensor, classes: Tensor, lengths: Tensor) -> Tensor:
    """CTC loss of every text, (batch,); with `lengths` on the CPU nothing has to wait."""
    steps = torch.full((len(lengths),), log_chances.shape[1])
    return functional.ctc_loss(
        log_chances.transpose(0, 1), classes, steps, lengths, reduction="none", zero_infinity=True
    )


def soft_loss(log_chances: Tensor, wanted: Tensor) -> Tensor:
    """Weighted divergence from the target chances, (batch,); steps with characters count more."""
    weight = 1 + CHARACTER_WEIGHT * (1 - wanted[..., 0])
    apart = wanted * (wanted.clamp_min(1e-7).log() - log_chances)
    return (weight * apart.sum(-1)).mean(-1)


def feature_loss(said: Tensor, wanted: Tensor) -> Tensor:
    """Mean square difference of features, every channel by its own deviation."""
    deviation = wanted.std((0, 2, 3), keepdim=True) + 1e-3
    return ((said - wanted) / deviation).square().mean()


def shares_of_kinds(real: float | None) -> dict[str, float]:
    """Share of every kind in a batch; with another share of real crops the others give way."""
    usual = {kind: share for kind, (share, _, _) in KINDS.items()}
    if real is None:
        return usual
    left = (1 - real) / (1 - usual[REAL])
    return {kind: real if kind == REAL else share * left for kind, share in usual.items()}


class Lessons:
    """Draws batches from all pools, spoils them, and asks the teacher."""

    def __init__(self, options: argparse.Namespace, packed: Packed) -> None:
        self.device = torch.device(options.device)
        self.precision = fastest(self.device)
        self.batch = options.batch
        self.same_view = options.same_view
        self.margins = TIGHT if options.tight else LOOSE
        self.shares_of_kinds = shares_of_kinds(options.real)
        self.pools = {kind: Pool(kept, self.device) for kind, (_, _, kept) in KINDS.items()}
        real = crops_of(packed, COLOUR_MIXES)
        self.shares = torch.from_numpy(crop_shares(real)).float().to(self.device)
        for at in range(0, len(real), 300):
            self.pools[REAL].add(chunk_of(REAL, real[at : at + 300]))
        empty = [without_plate(one, EMPTY) for one in pictures_of(packed, "empty")]
        self.pools[EMPTY].add(chunk_of(EMPTY, empty))
        self.teacher = Teacher(options.teacher, self.device)
        self.seconds: dict[str, float] = {}

    def take(self, chunks: Iterable[Chunk]) -> None:
        """Put chunks into the pools."""
        for chunk in chunks:
            self.pools[chunk.kind].add(chunk)

    def ready(self) -> bool:
        """Whether there is enough of every kind to begin."""
        return self.drawn >= FIRST_DRAWN

    @property
    def drawn(self) -> int:
        """How many drawn plates have come in."""
        return self.pools[DRAWN].added

    def timed(self, name: str, since: float, measure: bool) -> float:
        if measure and self.device.type == "cuda":
            torch.cuda.synchronize()
        now = time.monotonic()
        if measure:
            self.seconds[name] = self.seconds.get(name, 0.0) + now - since
        return now

    def _draw(self) -> tuple[Plates, Tensor, Tensor, Tensor]:
        parts, amounts = [], []
        for kind, (_, amount, _) in KINDS.items():
            share = self.shares_of_kinds[kind]
            pool, count = self.pools[kind], max(1, round(share * self.batch))
            parts.append(pool.get(pool.draw(count, self.shares if kind == REAL else None)))
            amounts.append(torch.full((count,), amount, device=self.device))
        return *joined(parts), torch.cat(amounts)

    @torch.no_grad()
    def next(self, amount: float, measure: bool = False) -> Lesson:
        """The next batch; `amount` scales how badly it is degraded."""
        now = time.monotonic()
        plates, classes, lengths, amounts = self._draw()
        cut = random_cut(plates, SMEARED_SHARE * amount, self.margins)
        now = self.timed("cut", now, measure)
        low = spoil(cut, amounts * amount)
        pictures = fit(low, cut, HEIGHT, WIDTH)
        views = fit(low, cut, TEACHER_HEIGHT, WIDTH)
        if not self.same_view:
            views = torch.cat([clean(cut), views])
        now = self.timed("spoil", now, measure)
        kind = self.device.type
        with torch.autocast(kind, self.precision, enabled=self.precision != torch.float32):
            seen = self.teacher.see(views.contiguous(memory_format=torch.channels_last))
            chances = self.teacher.say(seen)
        easy, hard = (chances, chances) if self.same_view else chances.chunk(2)
        on_host = lengths.cpu()
        known = text_loss(easy.clamp_min(1e-7).log(), classes, on_host).neg().exp()
        nothing = torch.zeros_like(easy[:1])
        nothing[..., 0] = 1.0
        blank = (lengths == 0)[:, None, None]
        wanted = torch.where(blank, nothing, (easy + hard) / 2)
        trust = torch.where(lengths == 0, 1.0, known.clamp_min(LEAST_TRUST))
        features = seen.float()
        if not self.same_view:
            features = torch.stack(features.chunk(2)).mean(0)
        self.timed("teacher", now, measure)
        pictures = pictures.contiguous(memory_format=torch.channels_last)
        shares = lengths.clamp_min(LEAST_LENGTH)
        return Lesson(pictures, classes, on_host, shares, wanted, trust, features)
