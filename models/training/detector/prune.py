# SPDX-License-Identifier: Apache-2.0
"""Prunes the hidden channels of a trained detector; the pruned one has to be trained on.

python -m detector.prune weights/detector.pt WORK/pruned/detector-wide.pt --data DATA

`detector.distil --alike` does that.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from pruning import prune_file, shaped_for

from .distil import trained
from .network import PlateNetwork
from .quantize import samples

PICTURES = 48
SHARE = 0.65


def load(checkpoint: Path) -> nn.Module:
    """The network of a checkpoint, pruned before or not."""
    weights = trained(checkpoint)
    network = shaped_for(PlateNetwork(), weights)
    network.load_state_dict(weights)
    return network


def pictures(options: argparse.Namespace) -> Tensor:
    """Training photographs as the network takes them."""
    seen = np.concatenate([one["args_0"] for one in samples(options.data, PICTURES)])
    return torch.from_numpy(seen).permute(0, 3, 1, 2) / 127.5 - 1


if __name__ == "__main__":
    prune_file(__doc__, SHARE, load, pictures)
