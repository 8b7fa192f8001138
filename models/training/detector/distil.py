# SPDX-License-Identifier: Apache-2.0
"""Train cheaper detectors from a pack of pictures, with a trained detector as teacher.

python -m detector.distil --pack WORK/scenes.npz --teacher weights/detector.pt --to WORK \\
    --networks narrow dense --seconds 500 --device cuda

All networks learn from the same scenes, which are composed on the device. Labels teach what is
known of a scene; the teacher says what else there is, plates without a label above all. WORK gets
one checkpoint for each network, replaced every minute; `detector.export` takes them.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from learner import Learner
from precision import fastest
from pruning import shaped_for

from .depthwise import shift_depthwise
from .network import PlateNetwork
from .scenes.layout import MIXES, Mix, Planner
from .scenes.render import render
from .scenes.shapes import flipped
from .scenes.stock import Stock
from .scenes.targets import wanted
from .scenes.weather import weathered
from .slim import NETWORKS
from .targets import BOX_WEIGHT, CORNER_WEIGHT, HEAT_WEIGHT, losses

# Three of the canvases of plategate's letterbox (columns, rows), and how often a batch is of each.
CANVASES = ((384, 288), (384, 224), (224, 288))
SHARES = (0.5, 0.3, 0.2)
# How often a composed batch is used, every second time mirrored: as often as composing takes
# longer than learning from it once, within these limits.
FEWEST, MOST = 2, 10
# Errors of likelihood, box, corners; then the teacher's likelihood and corners.
WEIGHTS = (1.0, 1.5, 2.0, 3.0, 0.5)
# The same, and of the features, for a network that is to do what the teacher does.
ALIKE = (0.3, 0.5, 0.7, 3.0, 1.0, 3.0)
SUSPECT = 0.3  # likelihood of the teacher from which an unlabelled place may be a plate
SAVE_S, PRINT_STEPS = 60, 50


@dataclass
class Batch:
    """Scenes, what is known of them, and what the teacher makes of them."""

    pictures: Tensor  # B x 3 x height x width in -1..1, BGR
    wanted: Tensor  # B x rows x columns x targets.CHANNELS
    unknown: Tensor  # B x rows x columns: where the teacher alone has a say
    taught: Tensor  # B x 9 x rows x columns
    features: Tensor  # what the teacher predicts that from, B x channels x rows x columns


class Scenes:
    """Composes batches on one device, for ever."""

    def __init__(
        self,
        stock: Stock,
        teacher: nn.Module,
        size: int,
        seed: int,
        mix: Mix,
        alike: bool = False,
    ) -> None:
        """With `alike` the teacher has a say everywhere."""
        self.stock, self.teacher, self.size, self.alike = stock, teacher, size, alike
        self.planner = Planner(stock, seed, mix)
        self.order = torch.Generator().manual_seed(seed)

    @torch.no_grad()
    def batches(self) -> Iterator[Batch]:
        shares, random = torch.tensor(SHARES), self.planner.random
        device = self.stock.pixels.device
        precision = fastest(device)
        times, learning_s = 4, 0.0
        while True:
            begun = time.monotonic()
            width, height = CANVASES[int(torch.multinomial(shares, 1, generator=self.order))]
            layout = self.planner.layout(self.size, width, height)
            composed = render(self.stock, layout, random).permute(0, 3, 1, 2).contiguous()
            objects = layout.objects
            wait_for(device)
            composed_s = time.monotonic() - begun
            if learning_s:
                times = min(MOST, max(FEWEST, round(composed_s / learning_s)))
            begun = time.monotonic()
            for _ in range(times):
                images = weathered(composed.clone(), random).round()
                pictures = (images / 127.5 - 1).contiguous(memory_format=torch.channels_last)
                goal, sure = wanted(objects, self.size, width, height)
                with torch.autocast(device.type, precision, enabled=precision != torch.float32):
                    features = self.teacher.features(pictures)
                taught = self.teacher.predict(features.float())
                goal[..., HEAT_WEIGHT] *= (sure | (taught[:, 0].sigmoid() < SUSPECT)).float()
                yield Batch(pictures, goal, ~sure | self.alike, taught, features.float())
                composed, objects = composed.flip(3), flipped(objects, width)
            wait_for(device)
            learning_s = (time.monotonic() - begun) / times


def wait_for(device: torch.device) -> None:
    """Until a graphics card has done what it was asked to."""
    if device.type == "cuda":
        torch.cuda.synchronize()


def taught_losses(answer: Tensor, batch: Batch) -> list[Tensor]:
    """How far the answer is from the teacher's where nothing is known for sure.

    Likelihood as in quality focal loss (Li et al. 2020); corners where the teacher sees a plate
    and no label says where they are.
    """
    goal = batch.taught[:, 0].sigmoid()
    surprise = functional.binary_cross_entropy_with_logits(answer[:, 0], goal, reduction="none")
    apart = (answer[:, 0].sigmoid() - goal).square()
    plates = (batch.wanted[..., 0] > 0.999).sum().clamp(min=1)
    likelihood = (surprise * apart * batch.unknown).sum() / plates
    only_box = (batch.wanted[..., BOX_WEIGHT] > 0) & (batch.wanted[..., CORNER_WEIGHT] == 0)
    weight = goal * (goal > SUSPECT) * (batch.unknown | only_box)
    off = (answer[:, 1:] - batch.taught[:, 1:]).abs().mean(1)
    return [likelihood, (off * weight).sum() / weight.sum().clamp(min=1)]


def unlike(features: Tensor, batch: Batch) -> Tensor:
    """Mean square difference from the teacher's features, every channel by its own variance."""
    spread = batch.features.var((0, 2, 3), keepdim=True) + 1e-4
    return ((features.float() - batch.features).square() / spread).mean()


def trained(path: Path) -> dict[str, Tensor]:
    """Averaged weights of a checkpoint in single precision."""
    weights = torch.load(path, map_location="cpu", weights_only=True)["average"]
    return {k: v.float() if v.is_floating_point() else v for k, v in weights.items()}


def learners(arguments: argparse.Namespace, weights: dict[str, Tensor]) -> dict[str, Learner]:
    """One network with its optimizer for each name; all begin as like the teacher as they can."""
    made = {}
    for name in arguments.networks:
        network = NETWORKS[name]()
        begun = arguments.start_from / f"detector-{name}.pt" if arguments.start_from else None
        if begun:
            kept = trained(begun)
            shaped_for(network, kept).load_state_dict(kept)
        elif isinstance(network, PlateNetwork):
            network.load_state_dict(weights)
        else:
            network.begin(weights)
        checkpoint = arguments.to / f"detector-{name}.pt"
        rate = arguments.rate * (0.4 if isinstance(network, PlateNetwork) else 1.0)
        shift_depthwise(network)
        made[name] = Learner(
            network, checkpoint, arguments.seconds / 60, rate, device=arguments.device
        )
    return made


class Watch:
    """Adds up how long each part of a step takes; waits for the device, so only when asked to."""

    def __init__(self, device: torch.device, timed: bool) -> None:
        self.device, self.timed = device, timed
        self.spent: dict[str, float] = {}
        self.last = time.monotonic()

    def lap(self, part: str) -> None:
        if self.timed:
            wait_for(self.device)
            now = time.monotonic()
            self.spent[part] = self.spent.get(part, 0.0) + now - self.last
            self.last = now

    def report(self) -> str:
        """Milliseconds of all parts since the last report."""
        said = ", ".join(f"{part} {1000 * s:.0f}" for part, s in self.spent.items())
        self.spent = {}
        return said


def run(arguments: argparse.Namespace) -> None:
    begun = time.monotonic()
    torch.manual_seed(arguments.seed)
    device = torch.device(arguments.device)
    watch = Watch(device, arguments.timed)
    stock = Stock(arguments.pack, device, arguments.workers)
    weights = trained(arguments.teacher)
    teacher = PlateNetwork()
    teacher.load_state_dict(weights)
    teacher = shift_depthwise(teacher).eval().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    pupils = learners(arguments, weights)
    weighed = ALIKE if arguments.alike else WEIGHTS
    print(f"ready after {time.monotonic() - begun:.1f} s", flush=True)
    first, saved, step = time.monotonic(), time.monotonic(), 0
    mean: dict[str, Tensor] = {}
    mix, alike = MIXES[arguments.mix], arguments.alike
    scenes = Scenes(stock, teacher, arguments.batch, arguments.seed, mix, alike)
    for batch in scenes.batches():
        watch.lap("scenes")
        now = time.monotonic()
        if now - begun > arguments.seconds - 4:
            break
        for name, learner in pupils.items():
            learner.spent_s = now - begun
            with learner.quick():
                features = learner.network.features(batch.pictures)
            answer = learner.network.predict(features.float())
            errors = [*losses(answer, batch.wanted), *taught_losses(answer, batch)]
            if alike:
                errors.append(unlike(features, batch))
            parts = torch.stack(errors)
            learner.learn((parts * parts.new_tensor(weighed)).sum())
            watch.lap(name)
            mean[name] = torch.lerp(mean.get(name, parts.detach()), parts.detach(), 0.02)
        step += 1
        watch.timed = watch.timed and step <= PRINT_STEPS
        if step % PRINT_STEPS == 0 or step in (1, 5, 20):
            pace = 1000 * (time.monotonic() - first) / step
            print(
                f"{now - begun:5.0f} s  step {step}  {pace:.0f} ms a step  {watch.report()}",
                flush=True,
            )
            for name, parts in mean.items():
                print(f"   {name}: {[round(float(part), 3) for part in parts]}", flush=True)
        if now - saved > SAVE_S:
            saved = now
            keep(pupils)
    keep(pupils)
    print(f"{step} steps of {arguments.batch}, {time.monotonic() - begun:.1f} s", flush=True)


def keep(pupils: dict[str, Learner]) -> None:
    """Write the averaged weights of every network, whole or not at all."""
    for learner in pupils.values():
        fresh = learner.checkpoint.with_suffix(".new")
        torch.save({"average": learner.average.state_dict()}, fresh)
        fresh.replace(learner.checkpoint)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pack", type=Path, required=True, help="made by `detector.scenes.pack`")
    parser.add_argument("--teacher", type=Path, required=True, help="weights of `PlateNetwork`")
    parser.add_argument("--to", type=Path, required=True, help="folder for the checkpoints")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=["narrow", "dense"])
    parser.add_argument("--start-from", type=Path, help="folder with checkpoints to go on from")
    parser.add_argument("--alike", action="store_true", help="do what the teacher does")
    parser.add_argument("--mix", choices=MIXES, default="rich", help="what scenes show how often")
    parser.add_argument("--seconds", type=float, default=500, help="all included")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--batch", type=int, default=192)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--workers", type=int, default=8, help="processes that decode the pack")
    parser.add_argument("--timed", action="store_true", help="say what the time of a step goes to")
    parser.add_argument("--seed", type=int, default=5)
    arguments = parser.parse_args()
    if arguments.alike and arguments.networks != ["wide"]:
        parser.error(
            "--alike compares features, which only --networks wide has in common with the teacher"
        )
    run(arguments)


if __name__ == "__main__":
    main()
