# SPDX-License-Identifier: Apache-2.0
"""Turns a checkpoint into a .tflite file and prints what the manifest has to say of it.

The input is 1 x 48 x 160 x 1 float32, grey with mean 0 and deviation 1; the output 1 x 80 x 37
scores. Weights are stored in 8 bits for each channel, arithmetic stays floating point: 8-bit
arithmetic and dynamic ranges took twice the time in tflite_runtime 2.14 and were no smaller.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import torch
from torch import nn

from .network import HEIGHT, WIDTH, ReaderNetwork


class Shipped(nn.Module):
    """The network with channels last, as TFLite has them."""

    def __init__(self, network: ReaderNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Scores for pictures of shape (1, height, width, 1)."""
        out: torch.Tensor = self.network(x.permute(0, 3, 1, 2))
        return out


def load_average(checkpoint: Path) -> ReaderNetwork:
    """The averaged network of a checkpoint, ready for use."""
    saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
    weights = {name: value.float() for name, value in saved["average"].items()}
    return ReaderNetwork.of(weights).eval()


def to_float(checkpoint: Path, target: Path) -> None:
    """Write the network as a floating-point .tflite file."""
    import litert_torch

    shipped = Shipped(load_average(checkpoint)).eval()
    litert_torch.convert(shipped, (torch.zeros(1, HEIGHT, WIDTH, 1),)).export(str(target))


def with_small_weights(model: Path) -> bytes:
    """The model with the weights of its convolutions in 8 bits."""
    from ai_edge_quantizer import quantizer
    from ai_edge_quantizer.qtyping import TFLOperationName

    maker = quantizer.Quantizer(str(model))
    for kind in (TFLOperationName.CONV_2D, TFLOperationName.DEPTHWISE_CONV_2D):
        maker.add_weight_only_config(".*", kind, 8)
    return bytes(maker.quantize().quantized_model)


def main() -> None:
    """Command line: checkpoint in, file and its checksum out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("target", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    whole = options.target.with_suffix(".float.tflite")
    to_float(options.checkpoint, whole)
    content = with_small_weights(whole)
    whole.unlink()
    options.target.write_bytes(content)
    print(f'sha256 = "{hashlib.sha256(content).hexdigest()}"\nbytes = {len(content)}')


if __name__ == "__main__":
    main()
