# SPDX-License-Identifier: Apache-2.0
"""Validation crops under fixed conditions: night, motion, small, tilted, glare, JPEG."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np

from synthesis.degrade import glare, jpeg, motion_blur, sensor_noise
from synthesis.plates import Picture

from .samples import Crop

Condition = Callable[[Crop, np.random.Generator], Crop]
SMALL_WIDTH = 48
JPEG_QUALITY = 12


def plain(crop: Crop, _: np.random.Generator) -> Crop:
    """As photographed."""
    return crop


def by_night(crop: Crop, rng: np.random.Generator) -> Crop:
    """A sixth of the light, with the noise of a sensor at high gain."""
    dark = (crop.image.astype(np.float32) / 6 + 4).astype(np.uint8)
    return replace(crop, image=sensor_noise(dark, 5.0, rng))


def moved(crop: Crop, rng: np.random.Generator) -> Crop:
    """Smeared by a twelfth of the plate's height and a pixel, mostly sideways."""
    height = float(crop.box[3] - crop.box[1])
    blurred = motion_blur(crop.image, 1 + height / 12, float(rng.normal(0, 15)))
    return replace(crop, image=blurred)


def small(crop: Crop, _: np.random.Generator) -> Crop:
    """The plate 48 pixels wide."""
    scale = SMALL_WIDTH / float(crop.box[2] - crop.box[0])
    if scale >= 1:
        return crop
    size = (max(8, round(crop.image.shape[1] * scale)), max(8, round(crop.image.shape[0] * scale)))
    shrunk = cv2.resize(crop.image, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    return replace(crop, image=shrunk, box=crop.box * scale)


def tilted(crop: Crop, rng: np.random.Generator) -> Crop:
    """Turned by 4 to 6 degrees and sheared by a tenth, as an imperfect rectifier leaves it."""
    x0, y0, x1, y1 = (float(value) for value in crop.box)
    angle = float(rng.choice([-1, 1]) * rng.uniform(4, 6))
    middle = ((x0 + x1) / 2, (y0 + y1) / 2)
    matrix = cv2.getRotationMatrix2D(middle, angle, 1.0)
    matrix[0, 1] += rng.choice([-1, 1]) * 0.1
    size = (crop.image.shape[1], crop.image.shape[0])
    turned = cv2.warpAffine(crop.image, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    corners = np.array([[x0, y0, 1], [x1, y0, 1], [x1, y1, 1], [x0, y1, 1]]) @ matrix.T
    box = np.array([*corners.min(0), *corners.max(0)], np.float32)
    return replace(crop, image=turned.astype(np.uint8), box=box)


def glared(crop: Crop, rng: np.random.Generator) -> Crop:
    """A lamp or the sun on the plate."""
    x0, y0, x1, y1 = (max(0, int(value)) for value in crop.box)
    image: Picture = crop.image.copy()
    image[y0:y1, x0:x1] = glare(image[y0:y1, x0:x1], rng)
    return replace(crop, image=image)


def compressed(crop: Crop, _: np.random.Generator) -> Crop:
    """JPEG at quality 12."""
    return replace(crop, image=jpeg(crop.image, JPEG_QUALITY))


CONDITIONS: dict[str, Condition] = {
    "as photographed": plain,
    "night": by_night,
    "motion": moved,
    "small (48 px wide)": small,
    "tilted": tilted,
    "glare": glared,
    "JPEG 12": compressed,
}
