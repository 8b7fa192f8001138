# SPDX-License-Identifier: Apache-2.0
"""Quantize an exported file: half-precision weights, or 8-bit integers for LiteRT 2.3.

python -m detector.quantize --float16 --model WORK/float.tflite --work WORK --to FILE
python -m detector.quantize --static --model WORK/float.tflite --work WORK --to FILE
python -m detector.quantize --dynamic --model WORK/refiner.tflite --work WORK --to FILE

Static: integer weights and activations in every layer but the last, whose corners 8 bits would
round to a pixel and a half; the ranges are measured on letterboxed training photographs. For the
detector. Dynamic: integer weights, activations quantized at run time. For the refiner.
"""

import argparse
import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from ai_edge_quantizer import quantizer, recipe
from ai_edge_quantizer.algorithm_manager import AlgorithmName
from ai_edge_quantizer.qtyping import TFLOperationName

from plategate.vision.localize.letterbox import GREY, letterbox

from .conditions import night
from .network import HEIGHT, WIDTH
from .photographs import load

DARK = 4  # every so many-th picture of the calibration is a dark one
LAST_LAYER = "serving_default_output.*"


def samples(work: Path, count: int) -> Iterator[dict[str, np.ndarray]]:
    """Training photographs on the largest canvas, some darkened."""
    rng = np.random.default_rng(7)
    photographs = load(work, plain=True)
    for number, place in enumerate(rng.choice(len(photographs), count, replace=False)):
        image = photographs[place].image
        if number % DARK == 0:
            image, _ = night(rng, image, [])
        seen = letterbox(image)[0]
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


def to_static_integers(model: Path, work: Path, count: int) -> bytes:
    """Integer weights and activations but for the last layer."""
    maker = quantizer.Quantizer(str(model))
    maker.load_quantization_recipe(recipe.static_wi8_ai8())
    maker.update_quantization_recipe(
        LAST_LAYER, TFLOperationName.CONV_2D, algorithm_key=AlgorithmName.NO_QUANTIZE
    )
    measured = maker.calibrate({"serving_default": list(samples(work, count))}, num_threads=1)
    return bytes(maker.quantize(measured).quantized_model)


def to_dynamic_integers(model: Path) -> bytes:
    """Integer weights; activations are quantized at run time."""
    maker = quantizer.Quantizer(str(model))
    maker.load_quantization_recipe(recipe.dynamic_wi8_afp32())
    return bytes(maker.quantize().quantized_model)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="what `export` wrote")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--samples", type=int, default=120, help="photographs for the ranges")
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--float16", action="store_true", help="half-precision weights")
    kind.add_argument("--static", action="store_true", help="integers, for the detector")
    kind.add_argument("--dynamic", action="store_true", help="integer weights, for the refiner")
    arguments = parser.parse_args()
    if arguments.float16:
        content = to_float16(arguments.model)
    elif arguments.static:
        content = to_static_integers(arguments.model, arguments.work, arguments.samples)
    else:
        content = to_dynamic_integers(arguments.model)
    arguments.to.write_bytes(content)
    print(f"{arguments.to}: {len(content)} bytes, sha256 {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    main()
