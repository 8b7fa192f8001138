# SPDX-License-Identifier: Apache-2.0
"""Trains small readers to say what the shipped one says, all augmentation on the training device.

The teacher sees the clean cut and the spoilt one, the pupils only the spoilt one. They learn the mean
of its two answers, its features before the head, and the true text (CTC). Patches and signs without
a plate have the empty text. All pupils see the same batches, so they can be compared.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import queue
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from precision import fastest

from .batch_cut import Plates, random_cut
from .batch_spoil import clean, fit, normalise, spoil
from .export import load_average
from .makers import COLOUR_MIXES, DRAWN, RESPELT, SIGNS, chunk_of, start, without_plate
from .network import HEIGHT as TEACHER_HEIGHT
from .network import ReaderNetwork, decode_greedy
from .pack import crops_of, load, pictures_of, unpack_fonts
from .pool import Pool, joined
from .samples import crop_shares
from .score import share_right
from .small_network import HEIGHT, VARIANTS, WIDTH
from .train import Average, difficulty

REAL, EMPTY = "real", "empty"
# Share of every kind in a batch, how badly it is spoilt, and how many pictures are kept.
KINDS = {
    REAL: (0.17, 0.8, 8100),
    RESPELT: (0.34, 0.8, 60_000),
    DRAWN: (0.43, 1.25, 400_000),
    EMPTY: (0.03, 1.0, 1200),
    SIGNS: (0.03, 1.0, 20_000),
}
FONTS_VARIABLE = "PLATEGATE_FONTS"  # where synthesis.fonts finds them
SMEARED_SHARE = 0.17
FIRST_DRAWN = 2000  # drawn plates before the training begins
WARM_UP = 400  # steps
DECAY = 0.999
CTC, SOFT, HINT = 0.3, 10.0, 0.5  # weights of the three losses
CHARACTER_WEIGHT = 8.0  # a step with a character counts so much more than a blank
LEAST_TRUST = 0.05
LEAST_LENGTH = 6
NOTE_SECONDS, SAVE_SECONDS = 20.0, 60.0
LAST_SECONDS = 4.0  # kept for the last validation and saving


class Teacher:
    """The shipped reader: its chances by step, and its features before the head."""

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
    """One batch: what the pupils see, and what they should say of it."""

    pictures: Tensor
    classes: Tensor
    lengths: Tensor  # on the processor
    shares: Tensor  # what the loss of a text is divided by
    wanted: Tensor  # chances (batch, steps, classes)
    trust: Tensor  # (batch,), how far the teacher knew the true text
    features: Tensor


def text_loss(log_chances: Tensor, classes: Tensor, lengths: Tensor) -> Tensor:
    """CTC loss of every text, (batch,); `lengths` may lie on the processor, which saves a wait."""
    steps = torch.full((len(lengths),), log_chances.shape[1])
    return functional.ctc_loss(
        log_chances.transpose(0, 1), classes, steps, lengths, reduction="none", zero_infinity=True
    )


def soft_loss(log_chances: Tensor, wanted: Tensor) -> Tensor:
    """Weighted divergence from the wanted chances, (batch,); steps with characters count more."""
    weight = 1 + CHARACTER_WEIGHT * (1 - wanted[..., 0])
    apart = wanted * (wanted.clamp_min(1e-7).log() - log_chances)
    return (weight * apart.sum(-1)).mean(-1)


def feature_loss(said: Tensor, wanted: Tensor) -> Tensor:
    """Mean square difference of features, every channel by its own deviation."""
    deviation = wanted.std((0, 2, 3), keepdim=True) + 1e-3
    return ((said - wanted) / deviation).square().mean()


class Pupil:
    """A small network that learns, its average, and its optimizer."""

    def __init__(self, variant: str, teacher_channels: int, options: argparse.Namespace) -> None:
        self.variant = variant
        device = torch.device(options.device)
        self.network = VARIANTS[variant]().to(device, memory_format=torch.channels_last)
        self.guess = nn.Conv2d(self.network.features, teacher_channels, 1).to(device)
        self.average = Average(self.network, DECAY)
        self.parameters = [*self.network.parameters(), *self.guess.parameters()]
        groups = [
            {"params": [p for p in self.parameters if p.ndim > 1], "weight_decay": 0.02},
            {"params": [p for p in self.parameters if p.ndim <= 1], "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=options.peak, fused=device.type == "cuda")

    def learn(self, lesson: Lesson, rate: float, precision: torch.dtype) -> Tensor:
        """One step; the three losses, not weighted."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        kind = lesson.pictures.device.type
        with torch.autocast(kind, precision, enabled=precision != torch.float32):
            seen = self.network.see(lesson.pictures)
            scores, guess = self.network.say(seen), self.guess(seen)
        log_chances = scores.float().log_softmax(-1)
        text = text_loss(log_chances, lesson.classes, lesson.lengths)
        text = (text / lesson.shares).mean()
        soft = (lesson.trust * soft_loss(log_chances, lesson.wanted)).mean()
        hint = feature_loss(guess.float(), lesson.features)
        self.optimizer.zero_grad(set_to_none=True)
        (CTC * text + SOFT * soft + HINT * hint).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.parameters, 4.0)
        self.optimizer.step()
        self.average.update(self.network)
        return torch.stack([text, soft, hint]).detach()


class Lessons:
    """Draws batches from all pools, spoils them, and asks the teacher."""

    def __init__(self, options: argparse.Namespace, packed: dict[str, Any]) -> None:
        self.device = torch.device(options.device)
        self.precision = fastest(self.device)
        self.batch = options.batch
        self.pools = {kind: Pool(kept, self.device) for kind, (_, _, kept) in KINDS.items()}
        real = crops_of(packed, COLOUR_MIXES)
        self.shares = torch.from_numpy(crop_shares(real)).float().to(self.device)
        for at in range(0, len(real), 300):
            self.pools[REAL].add(chunk_of(REAL, real[at : at + 300]))
        empty = [without_plate(one, EMPTY) for one in pictures_of(packed, "empty")]
        self.pools[EMPTY].add(chunk_of(EMPTY, empty))
        self.teacher = Teacher(options.teacher, self.device)
        self.seconds: dict[str, float] = {}

    def take(self, chunks: Any, most: int) -> None:
        """Put what the makers have finished into the pools."""
        for _ in range(most):
            try:
                chunk = chunks.get_nowait()
            except queue.Empty:
                return
            self.pools[chunk.kind].add(chunk)

    def ready(self) -> bool:
        """Whether there is enough of every kind to begin."""
        return self.pools[DRAWN].filled >= FIRST_DRAWN

    def _timed(self, name: str, since: float, measure: bool) -> float:
        if measure and self.device.type == "cuda":
            torch.cuda.synchronize()
        now = time.monotonic()
        if measure:
            self.seconds[name] = self.seconds.get(name, 0.0) + now - since
        return now

    def _draw(self) -> tuple[Plates, Tensor, Tensor, Tensor]:
        parts, amounts = [], []
        for kind, (share, amount, _) in KINDS.items():
            pool, count = self.pools[kind], max(1, round(share * self.batch))
            parts.append(pool.get(pool.draw(count, self.shares if kind == REAL else None)))
            amounts.append(torch.full((count,), amount, device=self.device))
        return *joined(parts), torch.cat(amounts)

    @torch.no_grad()
    def next(self, amount: float, measure: bool = False) -> Lesson:
        """The next batch; `amount` scales how badly it is spoilt."""
        now = time.monotonic()
        plates, classes, lengths, amounts = self._draw()
        cut = random_cut(plates, SMEARED_SHARE * amount)
        now = self._timed("cut", now, measure)
        low = spoil(cut, amounts * amount)
        pictures = fit(low, cut, HEIGHT, WIDTH)
        views = torch.cat([clean(cut), fit(low, cut, TEACHER_HEIGHT, WIDTH)])
        now = self._timed("spoil", now, measure)
        kind = self.device.type
        with torch.autocast(kind, self.precision, enabled=self.precision != torch.float32):
            seen = self.teacher.see(views.contiguous(memory_format=torch.channels_last))
            chances = self.teacher.say(seen)
        easy, hard = chances.chunk(2)
        on_host = lengths.cpu()
        known = text_loss(easy.clamp_min(1e-7).log(), classes, on_host).neg().exp()
        nothing = torch.zeros_like(easy[:1])
        nothing[..., 0] = 1.0
        blank = (lengths == 0)[:, None, None]
        wanted = torch.where(blank, nothing, (easy + hard) / 2)
        trust = torch.where(lengths == 0, 1.0, known.clamp_min(LEAST_TRUST))
        features = torch.stack(seen.float().chunk(2)).mean(0)
        self._timed("teacher", now, measure)
        pictures = pictures.contiguous(memory_format=torch.channels_last)
        shares = lengths.clamp_min(LEAST_LENGTH)
        return Lesson(pictures, classes, on_host, shares, wanted, trust, features)


class Validation:
    """The validation crops as the firmware shows them to the network first."""

    def __init__(self, packed: dict[str, Any], device: torch.device) -> None:
        pictures = torch.from_numpy(packed["validation"].astype(np.float32))
        self.pictures = normalise(pictures).to(device)
        self.texts = [str(text) for text in packed["validation_texts"]]

    @torch.no_grad()
    def right(self, network: nn.Module) -> float:
        """Per cent read right, greedily."""
        return share_right(decode_greedy(network(self.pictures)), self.texts)


def save(pupils: list[Pupil], target: Path, step: int) -> None:
    """Write the averaged weights of all pupils in half precision, whole or not at all."""
    content = {
        pupil.variant: {
            name: value.half().cpu() if value.dtype.is_floating_point else value.cpu()
            for name, value in pupil.average.network.state_dict().items()
        }
        for pupil in pupils
    }
    part = target.with_suffix(".part")
    torch.save({"average": content, "step": step}, part)
    part.rename(target)


def train(options: argparse.Namespace) -> None:
    """Train all pupils until the time is used up."""
    began = time.monotonic()
    packed = load(options.pack)
    with tempfile.TemporaryDirectory() as fonts:
        unpack_fonts(packed, Path(fonts))
        os.environ[FONTS_VARIABLE] = fonts
        _train(options, packed, began)


def _train(options: argparse.Namespace, packed: dict[str, Any], began: float) -> None:
    end = began + options.seconds - LAST_SECONDS
    chunks, workers = start(options.pack, options.workers, options.seed)
    torch.manual_seed(options.seed)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    lessons = Lessons(options, packed)
    validation = Validation(packed, lessons.device)
    pupils = [
        Pupil(name, lessons.teacher.channels, options) for name in options.variants.split(",")
    ]
    while not lessons.ready():
        lessons.take(chunks, 1000)
        if not any(worker.is_alive() for worker in workers):
            raise SystemExit("all processes that draw plates have failed; their errors are above")
        time.sleep(0.2)
    first = time.monotonic()
    print(f"begins after {first - began:.1f} s", flush=True)
    noted = saved = first
    step = 0
    losses = torch.zeros(len(pupils), 3, device=lessons.device)
    while (now := time.monotonic()) < end:
        share = (now - first) / (end - first)
        measure = options.measure and 20 <= step < 60
        lessons.take(chunks, 4)
        lesson = lessons.next(difficulty(share), measure)
        rate = options.peak * min(1.0, (step + 1) / WARM_UP)
        rate *= 0.5 + 0.5 * math.cos(math.pi * share) + 0.003
        for at, pupil in enumerate(pupils):
            clock = time.monotonic()
            losses[at].lerp_(pupil.learn(lesson, rate, lessons.precision), 0.02)
            lessons._timed(pupil.variant, clock, measure)
        step += 1
        if now - noted > NOTE_SECONDS:
            noted = now
            _note(options, step, now - began, step * options.batch / (now - first), pupils,
                  losses, lessons, validation)
            if now - saved > SAVE_SECONDS:
                saved = now
                save(pupils, options.target, step)
    save(pupils, options.target, step)
    spent = time.monotonic() - first
    _note(options, step, spent, step * options.batch / spent, pupils, losses, lessons, validation)
    if options.measure:
        print({name: f"{1e3 * value / 40:.1f} ms" for name, value in lessons.seconds.items()})
    for worker in workers:
        worker.terminate()


def _note(
    options: argparse.Namespace,
    step: int,
    seconds: float,
    pace: float,
    pupils: list[Pupil],
    losses: Tensor,
    lessons: Lessons,
    validation: Validation,
) -> None:
    """Write one line of the log."""
    line = {
        "seconds": round(seconds),
        "step": step,
        "samples_a_second": round(pace),
        "kept": {kind: pool.added for kind, pool in lessons.pools.items()},
        "right": {p.variant: round(validation.right(p.average.network), 1) for p in pupils},
        "losses": [[round(value, 4) for value in row] for row in losses.tolist()],
    }
    print(json.dumps(line), flush=True)
    with options.log.open("a") as handle:
        handle.write(json.dumps(line) + "\n")


def main() -> None:
    """Command line: a packed file and the teacher in, one file with all pupils out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path, help="file for the averaged weights of all variants")
    parser.add_argument("--pack", type=Path, required=True, help="from reader.pack")
    parser.add_argument("--teacher", type=Path, required=True, help="weights/reader.pt")
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--variants", default=",".join(VARIANTS))
    parser.add_argument("--seconds", type=float, default=550, help="for everything")
    parser.add_argument("--batch", type=int, default=1536)
    parser.add_argument("--peak", type=float, default=4e-3, help="highest learning rate")
    parser.add_argument("--workers", type=int, default=8, help="processes that draw plates")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--measure", action="store_true", help="time the parts of a step")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    train(options)


if __name__ == "__main__":
    main()
