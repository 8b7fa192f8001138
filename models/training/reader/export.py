# SPDX-License-Identifier: Apache-2.0
"""Exports a checkpoint of either reader as .tflite and prints its entry for the manifest.

The input is 1 x 48 x 160 x 1 float32 (the small reader's 1 x 32 x 160 x 1), grey with mean 0 and
deviation 1; the output 1 x 80 x 37 scores. Weights are stored in 8 bits for each channel and
computed with in floating point. With `--integers` input, output and arithmetic are int8, whose
ranges are measured on training crops. With `--dynamic` convolutions multiply in int8, with ranges
measured at run time, and all else is in floating point. Both pay on cores with dot products of
8 bits only; `plategate bench` tells which file is the cheapest.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import numpy as np
import torch
from torch import nn

from .network import ReaderNetwork
from .samples import load_crops, plain_cut
from .shape import HEIGHT, WIDTH
from .small_network import HEIGHT as SMALL_HEIGHT
from .small_network import SmallReader, with_weights

CALIBRATION_CROPS = 300


class Shipped(nn.Module):
    """The network with channels last, as TFLite has them."""

    def __init__(self, network: ReaderNetwork | SmallReader) -> None:
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

    saved = torch.load(checkpoint, map_location="cpu", weights_only=True)
    small = "variant" in saved
    network = (
        with_weights(saved["variant"], saved["average"]) if small else load_average(checkpoint)
    )
    example = torch.zeros(1, SMALL_HEIGHT if small else HEIGHT, WIDTH, 1)
    litert_torch.convert(Shipped(network).eval(), (example,)).export(str(target))


def with_small_weights(model: Path) -> bytes:
    """The model with the weights of its convolutions in 8 bits."""
    from ai_edge_quantizer import quantizer
    from ai_edge_quantizer.qtyping import TFLOperationName

    maker = quantizer.Quantizer(str(model))
    for kind in (TFLOperationName.CONV_2D, TFLOperationName.DEPTHWISE_CONV_2D):
        maker.add_weight_only_config(".*", kind, 8)
    return bytes(maker.quantize().quantized_model)


def with_dynamic_integers(model: Path) -> bytes:
    """The model with its plain convolutions in int8; their inputs are quantized at run time.

    Depthwise convolutions stay in floating point: runtimes have no fast kernel for this mixture.
    """
    from ai_edge_quantizer import quantizer
    from ai_edge_quantizer.qtyping import TFLOperationName

    maker = quantizer.Quantizer(str(model))
    maker.add_dynamic_config(".*", TFLOperationName.CONV_2D, 8)
    return bytes(maker.quantize().quantized_model)


def with_integers(model: Path, data: Path) -> bytes:
    """The model computed in int8 throughout; ranges are averages over training crops."""
    from ai_edge_quantizer import quantizer, recipe

    from plain_swish import with_plain_swish
    from plategate.vision.interpreter import open_model
    from plategate.vision.read.tflite import VARIANTS, prepare

    _, height, width, _ = open_model(model, None).input_shape
    crops = load_crops(data, "train")
    chosen = np.random.default_rng(5).choice(len(crops), CALIBRATION_CROPS, replace=False)
    pictures = [
        {"args_0": prepare(VARIANTS[at % 2].cut(plain_cut(crops[number])), width, height)}
        for at, number in enumerate(chosen)
    ]
    maker = quantizer.Quantizer(with_plain_swish(model.read_bytes()))
    maker.load_quantization_recipe(recipe.static_wi8_ai8())
    ranges = maker.calibrate({"serving_default": pictures}, num_threads=1)
    return bytes(maker.quantize(ranges).quantized_model)


def main() -> None:
    """Command line: checkpoint in, file and its checksum out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("target", type=Path)
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument("--integers", type=Path, metavar="DATA", help="int8, with these crops")
    kind.add_argument(
        "--dynamic", action="store_true", help="int8 convolutions, ranges at run time"
    )
    options = parser.parse_args()
    torch.set_num_threads(1)
    whole = options.target.with_suffix(".float.tflite")
    to_float(options.checkpoint, whole)
    if options.dynamic:
        content = with_dynamic_integers(whole)
    elif options.integers is not None:
        content = with_integers(whole, options.integers)
    else:
        content = with_small_weights(whole)
    whole.unlink()
    options.target.write_bytes(content)
    print(f'sha256 = "{hashlib.sha256(content).hexdigest()}"\nbytes = {len(content)}')


if __name__ == "__main__":
    main()
