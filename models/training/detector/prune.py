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

from pruning import blocks_of, hidden_of, pruned, shaped_for

from .network import PlateNetwork
from .quantize import samples

PICTURES = 48


def main() -> None:
    """Command line: a checkpoint in, one with fewer hidden channels out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--data", type=Path, required=True, help="folder with plates.csv")
    parser.add_argument("--share", type=float, default=0.65, help="of the multiplications to keep")
    options = parser.parse_args()
    saved = torch.load(options.checkpoint, map_location="cpu", weights_only=True)["average"]
    weights = {k: v.float() if v.is_floating_point() else v for k, v in saved.items()}
    network = PlateNetwork()
    shaped_for(network, weights).load_state_dict(weights)
    seen = np.concatenate([one["args_0"] for one in samples(options.data, PICTURES)])
    pruned(network, torch.from_numpy(seen).permute(0, 3, 1, 2) / 127.5 - 1, options.share)
    torch.save({"average": network.state_dict()}, options.target)
    print("hidden channels:", *(hidden_of(block) for block in blocks_of(network)))


if __name__ == "__main__":
    main()
