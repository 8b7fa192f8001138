# SPDX-License-Identifier: Apache-2.0
"""Quantize an exported file: half-precision weights, or 8-bit integers for LiteRT 2.3.

python -m detector.quantize --float16 --model WORK/float.tflite --to FILE
python -m detector.quantize --static --model WORK/float.tflite --data DATA --to FILE

Static: integer weights and activations in every layer but the last, whose corners 8 bits would
round to a pixel and a half; for the detector. The ranges are averages over letterboxed training
photographs: wider ones, which hold every value, find fewer plates at night.
"""

import argparse
import hashlib
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from ai_edge_quantizer import quantizer, recipe
from ai_edge_quantizer.algorithm_manager import AlgorithmName
from ai_edge_quantizer.qtyping import TFLOperationName

from operators import Exported
from plain_swish import with_plain_swish
from plategate.vision.localize.letterbox import GREY

from .network import HEIGHT, WIDTH
from .photographs import read_labels

DARK = 0.25  # share of the photographs that are darkened
LIGHT, NOISE = 0.2, 6.0  # light that a dark one keeps, and deviation of its noise in grey levels
LAST_LAYER = "serving_default_output.*"
# Ranges that are known: of the picture, and of the two operators that scale it (exporting.py).
# Averages would cut off the brightest pixels.
FIRST_RANGES = ((0.0, 255.0), (0.0, 2.0), (-1.0, 1.0))


def samples(data: Path, count: int) -> Iterator[dict[str, np.ndarray]]:
    """Training photographs on the largest canvas, some darkened.

    Pixels keep their fractions; the shipped file was made in this order of random numbers.
    """
    rng = np.random.default_rng(3)
    names = sorted({name for _, name in read_labels(data, "train")})
    for place in rng.choice(len(names), count, replace=False):
        image = cv2.imread(str(data / names[place]))
        height, width = image.shape[:2]
        scale = min(WIDTH / width, HEIGHT / height)
        size = round(width * scale), round(height * scale)
        seen = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        if rng.random() < DARK:
            seen = np.clip(seen * LIGHT + rng.normal(0, NOISE, seen.shape), 0, 255)
        canvas = np.full((1, HEIGHT, WIDTH, 3), GREY, np.float32)
        canvas[0, : seen.shape[0], : seen.shape[1]] = seen
        yield {"args_0": canvas}


def to_float16(model: Path) -> bytes:
    """Half-precision weights, computed with in single precision: half the size, same answers."""
    maker = quantizer.Quantizer(str(model))
    maker.add_weight_only_config(
        ".*", TFLOperationName.CONV_2D, 16, algorithm_key=AlgorithmName.FLOAT_CASTING
    )
    return bytes(maker.quantize().quantized_model)


def to_static_integers(model: Path, data: Path, count: int) -> bytes:
    """Integer weights and activations but for the last layer."""
    content = with_plain_swish(model.read_bytes())
    maker = quantizer.Quantizer(content)
    maker.load_quantization_recipe(recipe.static_wi8_ai8())
    maker.update_quantization_recipe(
        LAST_LAYER, TFLOperationName.CONV_2D, algorithm_key=AlgorithmName.NO_QUANTIZE
    )
    measured = maker.calibrate({"serving_default": list(samples(data, count))}, num_threads=1)
    for name, (low, high) in zip(first_tensors(content), FIRST_RANGES, strict=True):
        known = measured[name]
        known["min"], known["max"] = (np.full_like(known["min"], end) for end in (low, high))
    return bytes(maker.quantize(measured).quantized_model)


def first_tensors(content: bytes) -> list[str]:
    """The names of the input and of the outputs of the first two operators."""
    graph = Exported(content).graph
    numbers = [graph.inputs[0], *(one.outputs[0] for one in graph.operators[:2])]
    return [graph.tensors[number].name.decode() for number in numbers]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="what `export` wrote")
    parser.add_argument("--data", type=Path, help="folder with plates.csv, for --static")
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--samples", type=int, default=120, help="photographs for the ranges")
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--float16", action="store_true", help="half-precision weights")
    kind.add_argument("--static", action="store_true", help="integers, for the detector")
    arguments = parser.parse_args()
    if arguments.static and arguments.data is None:
        parser.error("--static measures ranges on photographs: name their folder with --data")
    if arguments.static:
        content = to_static_integers(arguments.model, arguments.data, arguments.samples)
    else:
        content = to_float16(arguments.model)
    arguments.to.write_bytes(content)
    print(f"{arguments.to}: {len(content)} bytes, sha256 {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    main()
