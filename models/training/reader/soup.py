# SPDX-License-Identifier: Apache-2.0
"""Averages the weights of several trainings that started from the same network into one.

The mean reads better than each of them, most of all on pictures that are worse than the training
data (Wortsman et al. 2022, Model soups), and costs nothing at the gate.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

Weights = dict[str, torch.Tensor]


def soup(members: list[Weights]) -> Weights:
    """The mean of all weights and statistics; counters are those of the first member."""
    first = members[0]
    if any(member.keys() != first.keys() for member in members):
        raise SystemExit("networks of different shapes cannot be averaged")
    return {
        name: torch.stack([member[name].float() for member in members]).mean(0)
        if value.dtype.is_floating_point
        else value
        for name, value in first.items()
    }


def main() -> None:
    """Command line: checkpoints of trainings in, one file for `reader.export` out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path)
    parser.add_argument("checkpoints", type=Path, nargs="+")
    parser.add_argument("--half", action="store_true", help="in half precision, to be kept")
    options = parser.parse_args()
    loaded = [
        torch.load(path, map_location="cpu", weights_only=True) for path in options.checkpoints
    ]
    mean = soup([checkpoint["average"] for checkpoint in loaded])
    if options.half:
        mean = {name: v.half() if v.dtype.is_floating_point else v for name, v in mean.items()}
    torch.save({"average": mean}, options.target)


if __name__ == "__main__":
    main()
