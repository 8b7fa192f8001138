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
from torch import Tensor

from pruning import prune_file

from .export import load_average
from .mixture import Mixture

PICTURES, REAL, AMOUNT, SEED = 512, 0.7, 0.6, 5
SHARE = 0.62


def add_rendered(parser: argparse.ArgumentParser) -> None:
    """The option for drawn plates."""
    parser.add_argument("--rendered", type=Path, required=True, help="shards of synthesis.cache")


def pictures(options: argparse.Namespace) -> Tensor:
    """Degraded training crops and drawn plates."""
    cv2.setNumThreads(1)
    mixture = Mixture(options.data, options.rendered, SEED, REAL)
    mixture.amount = AMOUNT
    return torch.from_numpy(mixture.batch(PICTURES)[0])


if __name__ == "__main__":
    prune_file(__doc__, SHARE, load_average, pictures, add_rendered)
