# SPDX-License-Identifier: Apache-2.0
"""Make the refiner's trunk compute in 8-bit integers, for LiteRT 2.3.

python -m refiner.quantize --model WORK/refiner.tflite --data DATA --detector FILE --to FILE

The corners are sums over cells and stay in floating point. Ranges are those of windows around the
detector's candidates in training photographs, a third of them darkened.
"""

import argparse
import hashlib
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from ai_edge_quantizer import quantizer
from ai_edge_quantizer.algorithm_manager import AlgorithmName
from ai_edge_quantizer.qtyping import TFLOperationName

from any_size import for_any_size
from detector.photographs import read_labels
from integers import with_ranges_of
from plategate.vision.localize.detector import Detector
from plategate.vision.localize.refiner import Window, cut

PHOTOGRAPHS, WINDOWS = 300, 400
SUSPECT, MOST = 0.1, 3  # least score of a candidate, and candidates of a photograph
DARK, LIGHT, NOISE = 0.35, (0.1, 0.3), 6.0  # share that is darkened, light that is left, in greys
ALL = ".*"
SUMS_OF_FEATURES = ".*(Residual|from_whole|network;15).*"
VOTES, ENDS = ".*votes.*", "(.*network;26.*|.*output.*)"


def windows(data: Path, detector: Detector) -> Iterator[dict[str, np.ndarray]]:
    """Windows around the detector's candidates, as the firmware cuts them."""
    rng = np.random.default_rng(3)
    names = sorted({name for _, name in read_labels(data, "train")})
    for place in rng.choice(len(names), PHOTOGRAPHS, replace=False):
        image = cv2.imread(str(data / names[place]))
        if rng.random() < DARK:
            noise = rng.normal(0, NOISE, image.shape)
            image = np.clip(image * rng.uniform(*LIGHT) + noise, 0, 255).astype(np.uint8)
        for one in detector.propose(image, SUSPECT)[:MOST]:
            yield {"args_0": cut(image, Window.around(one.box))[None].astype(np.float32)}


def to_integers(model: Path, samples: list[dict[str, np.ndarray]]) -> bytes:
    """The model with its convolutions in int8, but for the votes of the cells."""
    # Copies in place of the resizing, which would split the network into parts.
    content = for_any_size(model.read_bytes())
    maker = quantizer.Quantizer(content)
    kinds = TFLOperationName
    for kind in (kinds.CONV_2D, kinds.PAD, kinds.CONCATENATION):
        maker.add_static_config(ALL, kind, 8, 8)
    maker.add_static_config(SUMS_OF_FEATURES, kinds.ADD, 8, 8)
    for place, kind in ((VOTES, kinds.CONV_2D), (ENDS, kinds.CONCATENATION)):
        maker.update_quantization_recipe(place, kind, algorithm_key=AlgorithmName.NO_QUANTIZE)
    return with_ranges_of(content, maker, samples)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="what `refiner.export` wrote")
    parser.add_argument("--data", type=Path, required=True, help="folder with plates.csv")
    parser.add_argument("--detector", type=Path, required=True, help="whose candidates are shown")
    parser.add_argument("--to", type=Path, required=True)
    arguments = parser.parse_args()
    seen = windows(arguments.data, Detector.from_file(arguments.detector))
    samples = [window for window, _ in zip(seen, range(WINDOWS), strict=False)]
    content = to_integers(arguments.model, samples)
    arguments.to.write_bytes(content)
    print(f"{arguments.to}: {len(content)} bytes, sha256 {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    main()
