# SPDX-License-Identifier: Apache-2.0
"""Prunes the hidden channels of a trained reader; the pruned one has to be trained on.

python -m reader.prune weights/reader.pt WORK/pruned.pt --data DATA --rendered WORK/rendered

`reader.train --teacher` does that.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import torch

from pruning import blocks_of, hidden_of, pruned

from .export import load_average
from .mixture import Mixture

PICTURES = 512


def main() -> None:
    """Command line: a checkpoint in, one with fewer hidden channels out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rendered", type=Path, required=True, help="shards of synthesis.cache")
    parser.add_argument("--share", type=float, default=0.62, help="of the multiplications to keep")
    parser.add_argument("--seed", type=int, default=5)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    network = load_average(options.checkpoint)
    mixture = Mixture(options.data, options.rendered, options.seed, 0.7)
    mixture.amount = 0.6
    pruned(network, torch.from_numpy(mixture.batch(PICTURES)[0]), options.share)
    torch.save({"average": network.state_dict()}, options.target)
    print("hidden channels:", *(hidden_of(block) for block in blocks_of(network)))


if __name__ == "__main__":
    main()
