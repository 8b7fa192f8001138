# SPDX-License-Identifier: Apache-2.0
"""Makes a trained network lighter: distils its first layers into a plain stem and fewer blocks.

Only the light layers are trained, on pictures without texts; all other weights are copied. A
further training makes up for the loss of accuracy.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import torch
from torch import Tensor, nn

from mimic import learn

from .export import load_average
from .mixture import Mixture
from .network import ReaderNetwork

FIRST_BLOCKS = 3
BATCH = 32


def light_of(heavy: ReaderNetwork) -> ReaderNetwork:
    """A light network with the weights of a heavy one, except for stem and left-out block."""
    light = ReaderNetwork(light=True)
    theirs = heavy.state_dict()
    mine = light.state_dict()
    kept = {name: theirs[name] for name in mine if not name.startswith("stem.")}
    light.load_state_dict({**mine, **kept})
    return light


def first_layers(network: ReaderNetwork) -> nn.Sequential:
    """Stem and fine blocks, which differ between the two networks."""
    return nn.Sequential(network.stem, *list(network.body)[:FIRST_BLOCKS])


def main() -> None:
    """Command line: a checkpoint of the heavy network in, one of the light network out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rendered", type=Path, required=True, help="shards of synthesis.cache")
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--seed", type=int, default=5)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    heavy = load_average(options.checkpoint)
    light = light_of(heavy)
    mixture = Mixture(options.data, options.rendered, options.seed, 0.5)

    def pictures() -> Tensor:
        return torch.from_numpy(mixture.batch(BATCH)[0])

    learn(first_layers(heavy), first_layers(light), pictures, options.minutes)
    torch.save({"average": light.state_dict()}, options.target)


if __name__ == "__main__":
    main()
