# SPDX-License-Identifier: Apache-2.0
"""Integer arithmetic for an exported network, with ranges that hold the values of all samples.

`Quantizer.calibrate` averages the ranges of the samples with weights that fade, so the values of a
bright or noisy picture may be cut off, and the last samples decide. Here ranges are the lowest and
the highest value that any sample reaches.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from ai_edge_quantizer.calibrator import Calibrator
from ai_edge_quantizer.quantizer import Quantizer
from ai_edge_quantizer.recipe_manager import RecipeManager
from ai_edge_quantizer.utils.qsv_utils import min_max_update

Sample = Mapping[str, np.ndarray]


def with_ranges_of(content: bytes, maker: Quantizer, samples: Iterable[Sample]) -> bytes:
    """The .tflite file `content`, quantized as the recipe of `maker` says."""
    recipe = RecipeManager()
    recipe.load_quantization_recipe(maker.get_quantization_recipe())
    calibrator = Calibrator(content, num_threads=1, qsv_update_func=min_max_update)
    calibrator.calibrate({"serving_default": samples}, recipe)
    return bytes(maker.quantize(calibrator.get_model_qsvs()).quantized_model)
