# SPDX-License-Identifier: Apache-2.0
"""Turn a checkpoint into a .tflite file: float input N x H x W x 3, BGR, 0 to 255.

python -m refiner.export --checkpoint WORK/refiner.pt --to ../plate_refiner.tflite
"""

import argparse
import hashlib
from pathlib import Path

import litert_torch
import torch
from torch import Tensor, nn

from .network import HEIGHT, WIDTH, RefinerNetwork


class Shipped(nn.Module):
    """The network with the order of axes and the range of values that the device has."""

    def __init__(self, network: RefinerNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x.permute(0, 3, 1, 2) / 127.5 - 1)


def load_average(checkpoint: Path) -> RefinerNetwork:
    """The network with the averaged weights of a checkpoint, ready to be used."""
    network = RefinerNetwork()
    network.load_state_dict(torch.load(checkpoint, map_location="cpu")["average"])
    return network.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--to", type=Path, required=True)
    arguments = parser.parse_args()
    shipped = Shipped(load_average(arguments.checkpoint)).eval()
    example = (torch.zeros(1, HEIGHT, WIDTH, 3),)
    litert_torch.convert(shipped, example).export(str(arguments.to))
    content = arguments.to.read_bytes()
    print(f"{arguments.to}: {len(content)} bytes, sha256 {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    main()
