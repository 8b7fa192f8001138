# SPDX-License-Identifier: Apache-2.0
"""Validation photographs degraded as at a gate; the boxes are moved along."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .geometry import move, quad_of_box

Picture = NDArray[np.uint8]
Boxes = list[NDArray[np.float32]]
Condition = Callable[[Generator, Picture, Boxes], tuple[Picture, Boxes]]


def day(_rng: Generator, image: Picture, boxes: Boxes) -> tuple[Picture, Boxes]:
    """Unchanged."""
    return image, boxes


def night(rng: Generator, image: Picture, boxes: Boxes) -> tuple[Picture, Boxes]:
    """A fifth of the light, with the shot and read noise of an amplified sensor."""
    dark = image.astype(np.float32) * 0.2
    noise = rng.standard_normal(image.shape, np.float32) * np.sqrt(dark * 0.6 + 20)
    return np.clip(dark + noise, 0, 255).astype(np.uint8), boxes


def tilted(rng: Generator, image: Picture, boxes: Boxes) -> tuple[Picture, Boxes]:
    """Rolled by 6 to 15 degrees to either side; the boxes go around the rolled ones."""
    angle = rng.uniform(6, 15) * rng.choice([-1, 1])
    height, width = image.shape[:2]
    affine = cv2.getRotationMatrix2D((width / 2, height / 2), float(angle), 1.0)
    turned = cv2.warpAffine(image, affine, (width, height), borderMode=cv2.BORDER_REPLICATE)
    quads = [move(affine, quad_of_box(box)) for box in boxes]
    return turned, [np.concatenate([quad.min(0), quad.max(0)]) for quad in quads]


def small(_rng: Generator, image: Picture, boxes: Boxes) -> tuple[Picture, Boxes]:
    """A small web picture: longest side 400 pixels."""
    scale = min(1.0, 400 / max(image.shape[:2]))
    small_image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return small_image, [box * scale for box in boxes]


def far(_rng: Generator, image: Picture, boxes: Boxes) -> tuple[Picture, Boxes]:
    """The scene in the middle of a wide frame, so that most plates are 50 to 120 of 1280 pixels."""
    scale = min(640 / image.shape[1], 500 / image.shape[0])
    part = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    height, width = part.shape[:2]
    blank = cv2.GaussianBlur(cv2.resize(image, (1280, 720)), (0, 0), 40)
    x, y = (1280 - width) // 2, (720 - height) // 2 + 60
    blank[y : y + height, x : x + width] = part
    return blank, [box * scale + np.float32([x, y, x, y]) for box in boxes]


def blurred(rng: Generator, image: Picture, boxes: Boxes) -> tuple[Picture, Boxes]:
    """Out of focus by a twelfth of the plate's height, and smeared by motion as much again."""
    height = max(float(box[3] - box[1]) for box in boxes)
    soft = cv2.GaussianBlur(image, (0, 0), max(0.8, height / 12))
    length = max(3, int(height / 6) + int(rng.integers(0, 3)))
    return cv2.blur(soft, (length, 1)), boxes


CONDITIONS: dict[str, Condition] = {
    "day": day,
    "night": night,
    "tilted": tilted,
    "small": small,
    "far": far,
    "blurred": blurred,
}
