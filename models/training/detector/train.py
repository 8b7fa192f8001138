# SPDX-License-Identifier: Apache-2.0
"""Train the detector for a fixed time; resumes where it was stopped.

python -m detector.train --data DATA --work WORK --start-from WORK/begun.pt --minutes 100
"""

import argparse
from pathlib import Path

import cv2
import torch
from torch import Tensor

from learner import Learner

from .batches import Batches
from .network import PlateNetwork
from .quick_check import QuickCheck
from .targets import losses

WEIGHTS = (1.0, 1.5, 2.0)  # of likelihood, box and corners


def run(arguments: argparse.Namespace) -> None:
    torch.manual_seed(arguments.seed)
    checkpoint = arguments.work / f"{arguments.name}.pt"
    network = PlateNetwork()
    trunk = (weight for part in network.trunk for weight in part.parameters())
    learner = Learner(
        network, checkpoint, arguments.minutes, arguments.rate, trunk, arguments.trunk
    )
    learner.begin(arguments.start_from)
    batches = Batches(arguments.work, arguments.seed, learner.step)

    def batch() -> list[Tensor]:
        x, wanted = batches.draw(arguments.batch)
        with learner.quick():
            features = network.features(x.to(learner.device))
        return losses(network.predict(features.float()), wanted.to(learner.device))

    check = QuickCheck(arguments.data)
    learner.run(batch, WEIGHTS, arguments.check_minutes, check.report)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with plates.csv and val/")
    parser.add_argument("--work", type=Path, required=True, help="folder with what was prepared")
    parser.add_argument("--name", default="detector", help="name of the checkpoint in WORK")
    parser.add_argument("--start-from", type=Path, help="checkpoint whose weights to begin with")
    parser.add_argument("--trunk", type=float, default=0.4, help="share of the rate for the trunk")
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
