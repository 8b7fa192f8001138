# SPDX-License-Identifier: Apache-2.0
"""Makes the initial weights of a training from a published text detector.

python -m detector.begin --published WORK/text_detector.pt --work WORK --to WORK/begun.pt

The published first layers cost as much as all others together, so lighter ones are distilled from
them; the other stages are copied. The upsampling path and the output layer are trained later.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import torch
from torch import Tensor

from mimic import learn
from trunk import settle

from .batches import Batches
from .network import PlateNetwork

BATCH = 16
SETTLED_WITH = 48  # pictures


def main() -> None:
    """Command line: published convolutions in, a checkpoint for `detector.train` out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--published", type=Path, required=True, help="made by `pretrained`")
    parser.add_argument("--work", type=Path, required=True, help="folder with what was prepared")
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    network = PlateNetwork().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    published = network.take(torch.load(arguments.published, weights_only=True))
    batches = Batches(arguments.work, arguments.seed)

    def pictures() -> Tensor:
        return batches.draw(BATCH)[0]

    teacher = published.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    learn(teacher, network.first, pictures, arguments.minutes)
    settle(network.trunk[1:], network.eval(), batches.draw(SETTLED_WITH)[0])
    torch.save({"average": network.state_dict()}, arguments.to)


if __name__ == "__main__":
    main()
