# SPDX-License-Identifier: Apache-2.0
"""Exports a checkpoint of a network with colour input as a .tflite file.

The file takes N x H x W x 3 float32, BGR, 0 to 255; maps come out with their channels last.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path

import litert_torch
import torch
from torch import Tensor, nn

from pruning import shaped_for


class Shipped(nn.Module):
    """The network with the firmware's axis order and value range as its input."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.network(x.permute(0, 3, 1, 2) / 127.5 - 1)
        return answer.permute(0, 2, 3, 1) if answer.ndim == 4 else answer


def export(
    networks: Mapping[str, Callable[[], nn.Module]],
    width: int,
    height: int,
    description: str,
    then: Callable[[bytes], bytes] = bytes,
) -> None:
    """Command line: export the EMA weights of a checkpoint and print the file's hash.

    The first of `networks` is the shipped one; `--network` names another.
    `then` makes something else of the file before it is written.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--network", choices=networks, default=next(iter(networks)))
    arguments = parser.parse_args()
    network = networks[arguments.network]()
    weights = torch.load(arguments.checkpoint, map_location="cpu")["average"]
    shaped_for(network, weights).load_state_dict(weights)
    shipped = Shipped(network.eval()).eval()
    example = (torch.zeros(1, height, width, 3),)
    litert_torch.convert(shipped, example).export(str(arguments.to))
    content = then(arguments.to.read_bytes())
    arguments.to.write_bytes(content)
    print(f"{arguments.to}: {len(content)} bytes, sha256 {hashlib.sha256(content).hexdigest()}")
