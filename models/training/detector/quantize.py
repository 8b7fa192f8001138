# SPDX-License-Identifier: Apache-2.0
"""Make the exported file smaller and faster: integers everywhere but in the last layer.

python -m detector.quantize --model WORK/float.tflite --work WORK --to ../plate_detector.tflite

The ranges of values are measured on letterboxed and composed training pictures. The last layer
stays in floating point, since 8 bits would round corners to a pixel and a half.
"""

import argparse
import hashlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from ai_edge_quantizer import quantizer
from ai_edge_quantizer.algorithm_manager import AlgorithmName
from ai_edge_quantizer.qtyping import TFLOperationName

from . import bank, photographs
from .compose import Composer
from .network import HEIGHT, WIDTH
from .weather import weathered

INTEGER_LAYERS = (
    TFLOperationName.CONV_2D,
    TFLOperationName.ADD,
    TFLOperationName.CONCATENATION,
    TFLOperationName.PAD,
)
LAST_LAYER = "serving_default_output.*"


def samples(work: Path, count: int) -> Iterator[dict[str, np.ndarray]]:
    rng = np.random.default_rng(7)
    stocks = (bank.load(work / f"{name}.npz") for name in ("plates", "distractors"))
    composer = Composer(rng, photographs.load(work), *stocks)
    for _ in range(count):
        image = weathered(rng, composer.scene(WIDTH, HEIGHT).image)
        yield {"args_0": image[None].astype(np.float32)}


def to_float16(model: Path) -> bytes:
    """Half-precision weights, computed with in single precision: half the size, same answers."""
    maker = quantizer.Quantizer(str(model))
    maker.add_weight_only_config(
        ".*", TFLOperationName.CONV_2D, 16, algorithm_key=AlgorithmName.FLOAT_CASTING
    )
    return bytes(maker.quantize().quantized_model)


def to_integers(model: Path, work: Path, count: int) -> bytes:
    maker = quantizer.Quantizer(str(model))
    for operation in INTEGER_LAYERS:
        maker.add_static_config(".*", operation, 8, 8)
    maker.update_quantization_recipe(
        LAST_LAYER, TFLOperationName.CONV_2D, algorithm_key=AlgorithmName.NO_QUANTIZE
    )
    measured = maker.calibrate({"serving_default": list(samples(work, count))}, num_threads=1)
    return bytes(maker.quantize(measured).quantized_model)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="what `export` wrote")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--float16", action="store_true", help="only halve the weights")
    arguments = parser.parse_args()
    if arguments.float16:
        content = to_float16(arguments.model)
    else:
        content = to_integers(arguments.model, arguments.work, arguments.samples)
    arguments.to.write_bytes(content)
    print(f"{arguments.to}: {len(content)} bytes, sha256 {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    main()
