# SPDX-License-Identifier: Apache-2.0
"""Distils small readers from the shipped one, with all augmentation on the training device.

The pupils learn the teacher's probabilities at every step, its features before the head, and the
true text (CTC), for a fixed time. All of them get the same batches, so they can be compared.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from .batch_spoil import normalise
from .lessons import Lesson, Lessons, feature_loss, soft_loss, text_loss
from .makers import Makers
from .network import decode_greedy
from .pack import Packed, load, unpack_fonts
from .score import share_right
from .small_network import VARIANTS, kept_weights, with_weights
from .train import Average, difficulty

FONTS_VARIABLE = "PLATEGATE_FONTS"  # where synthesis.fonts finds them
WARM_UP = 400  # steps
WARM_UP_AGAIN = 50  # when continuing from trained weights
DECAY = 0.999
CTC, SOFT, HINT = 0.3, 10.0, 0.5  # weights of the three losses
NOTE_SECONDS, SAVE_SECONDS = 20.0, 60.0
LAST_SECONDS = 4.0  # kept for the last validation and saving
MEASURED_STEPS = range(100, 140)


class Pupil:
    """A small network in training, its averaged weights, and its optimizer."""

    def __init__(self, variant: str, teacher_channels: int, options: argparse.Namespace) -> None:
        self.variant = variant
        device = torch.device(options.device)
        network = VARIANTS[variant]()
        # The projection to the teacher's features is not saved: later trainings omit this loss.
        self.hint = HINT if options.start_from is None else 0.0
        if options.start_from is not None:
            network = with_weights(variant, kept_weights(options.start_from, variant)).train()
        self.network = network.to(device, memory_format=torch.channels_last)
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
        (CTC * text + SOFT * soft + self.hint * hint).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.parameters, 4.0)
        self.optimizer.step()
        self.average.update(self.network)
        return torch.stack([text, soft, hint]).detach()


class Validation:
    """The validation crops as the firmware shows them to the network first."""

    def __init__(self, packed: Packed, device: torch.device) -> None:
        pictures = torch.from_numpy(packed["validation"].astype(np.float32))
        self.pictures = normalise(pictures).to(device)
        self.texts = [str(text) for text in packed["validation_texts"]]

    @torch.no_grad()
    def right(self, network: nn.Module) -> float:
        """Per cent read right, greedily."""
        with torch.backends.cudnn.flags(enabled=True, benchmark=False):
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


def _train(options: argparse.Namespace, packed: Packed, began: float) -> None:
    end = began + options.seconds - LAST_SECONDS
    makers = Makers(options.pack, options.workers, options.seed)
    torch.manual_seed(options.seed)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    lessons = Lessons(options, packed)
    validation = Validation(packed, lessons.device)
    pupils = [
        Pupil(name, lessons.teacher.channels, options) for name in options.variants.split(",")
    ]
    while not lessons.ready():
        lessons.take(makers.take(1000))
        makers.check()
        time.sleep(0.2)
    first = time.monotonic()
    print(f"begins after {first - began:.1f} s", flush=True)
    noted = saved = first
    warm_up = WARM_UP if options.start_from is None else WARM_UP_AGAIN
    step = 0
    losses = torch.zeros(len(pupils), 3, device=lessons.device)
    while (now := time.monotonic()) < end:
        share = (now - first) / (end - first)
        measure = options.measure and step in MEASURED_STEPS
        lessons.take(makers.take(4))
        if lessons.drawn >= options.drawn:
            makers.stop()
        lesson = lessons.next(options.amount * difficulty(share), measure)
        rate = options.peak * min(1.0, (step + 1) / warm_up)
        rate *= 0.5 + 0.5 * math.cos(math.pi * share) + 0.003
        for at, pupil in enumerate(pupils):
            clock = time.monotonic()
            losses[at].lerp_(pupil.learn(lesson, rate, lessons.precision), 0.02)
            lessons.timed(pupil.variant, clock, measure)
        step += 1
        if now - noted > NOTE_SECONDS:
            noted = now
            _note(
                options,
                step,
                now - began,
                step * options.batch / (now - first),
                pupils,
                losses,
                lessons,
                validation,
            )
            if now - saved > SAVE_SECONDS:
                saved = now
                save(pupils, options.target, step)
    save(pupils, options.target, step)
    spent = time.monotonic() - first
    _note(options, step, spent, step * options.batch / spent, pupils, losses, lessons, validation)
    if options.measure:
        print(
            {
                name: f"{1e3 * value / len(MEASURED_STEPS):.1f} ms"
                for name, value in lessons.seconds.items()
            }
        )
    makers.stop()


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
    parser.add_argument("--variants", default="separable,dense")
    parser.add_argument("--seconds", type=float, default=550, help="for everything")
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--peak", type=float, default=3e-3, help="highest learning rate")
    parser.add_argument("--start-from", type=Path, help="of reader.distil or reader.choose")
    parser.add_argument(
        "--amount", type=float, default=1.0, help="scales how pictures are degraded"
    )
    parser.add_argument("--real", type=float, help="share of real crops as they are")
    parser.add_argument("--same-view", action="store_true", help="the teacher gets no clean cut")
    parser.add_argument("--tight", action="store_true", help="cut at the plate's rim")
    parser.add_argument("--drawn", type=int, default=10**9, help="plates to draw, no more")
    parser.add_argument("--workers", type=int, default=8, help="processes that draw plates")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--measure", action="store_true", help="time the parts of a step")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    train(options)


if __name__ == "__main__":
    main()
