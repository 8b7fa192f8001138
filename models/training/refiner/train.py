# SPDX-License-Identifier: Apache-2.0
"""Trains the refiner for a fixed time; resumes from its checkpoint.

python -m refiner.train --data DATA --work WORK --detector ../plate_detector.tflite --minutes 50
"""

import argparse
import multiprocessing
import signal
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from detector import bank, photographs
from detector.compose import Composer
from learner import Learner
from plategate.vision.localize.detector import Detector

from .network import RefinerNetwork
from .quick_check import QuickCheck
from .targets import WEIGHTS, losses
from .windows import Windows

Batch = tuple[NDArray[np.uint8], NDArray[np.float32]]
POOL = 1500  # samples that batches are drawn from, so that those of one scene do not come together


def feed(queue: "multiprocessing.Queue[Batch]", arguments: argparse.Namespace, seed: int) -> None:
    """Put batches into the queue without end; runs in a process of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    cv2.setNumThreads(1)
    rng = np.random.default_rng(seed)
    stocks = (bank.load(arguments.work / f"{name}.npz") for name in ("plates", "distractors"))
    composer = Composer(rng, photographs.load(arguments.work), *stocks)
    detectors = [Detector.from_file(path) for path in arguments.detector]
    source = Windows(rng, composer, detectors).samples()
    pool = [next(source) for _ in range(POOL)]
    while True:
        chosen = []
        for place in rng.integers(len(pool), size=arguments.batch):
            chosen.append(pool[place])
            pool[place] = next(source)
        queue.put((np.stack([s.image for s in chosen]), np.stack([s.wanted for s in chosen])))


def run(arguments: argparse.Namespace) -> None:
    torch.manual_seed(arguments.seed)
    checkpoint = arguments.work / f"{arguments.name}.pt"
    network = RefinerNetwork()
    learner = Learner(network, checkpoint, arguments.minutes, arguments.rate)
    learner.begin(arguments.start_from)
    context = multiprocessing.get_context("spawn")
    queue: multiprocessing.Queue[Batch] = context.Queue(maxsize=6)
    for index in range(arguments.feeders):
        seed = arguments.seed + 1000 * index + learner.step
        context.Process(target=feed, args=(queue, arguments, seed), daemon=True).start()

    def batch() -> list[Tensor]:
        images, wanted = queue.get()
        with learner.quick():
            cells, whole = network.features(learner.pictures(images))
        answer = network.predict(cells.float(), whole.float())
        return losses(answer, torch.from_numpy(wanted).to(learner.device))

    check = QuickCheck(arguments.data, Detector.from_file(arguments.detector[0]))
    learner.run(batch, WEIGHTS, arguments.check_minutes, check.report)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with plates.csv and val/")
    parser.add_argument("--work", type=Path, required=True, help="folder with what was prepared")
    parser.add_argument("--detector", type=Path, nargs="+", required=True, help="who proposes")
    parser.add_argument("--name", default="refiner", help="name of the checkpoint in WORK")
    parser.add_argument("--start-from", type=Path, help="checkpoint whose weights to begin with")
    parser.add_argument("--minutes", type=float, default=50)
    parser.add_argument("--check-minutes", type=float, default=6)
    parser.add_argument("--batch", type=int, default=48)
    parser.add_argument("--feeders", type=int, default=1, help="processes that make windows")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    run(arguments)


if __name__ == "__main__":
    main()
