# SPDX-License-Identifier: Apache-2.0
"""Degrades pictures in a defined way: night, motion, small, tilted, glare, jpeg.

The name of the picture seeds the random numbers. The boxes of the plates are moved
along with the picture.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarking.labels import Box

Picture = NDArray[np.uint8]
Boxes = list[Box]
SMALL_PLATE_PX = 48.0


def degrade(
    condition: str | None, image: Picture, boxes: Sequence[Box], name: str
) -> tuple[Picture, Boxes]:
    """The degraded picture, reproducible for the same name; None leaves it unchanged."""
    if condition is None:
        return image, list(boxes)
    random = np.random.default_rng(zlib.crc32(name.encode()))
    return CONDITIONS[condition](image, list(boxes), random)


def night(image: Picture, boxes: Boxes, random: np.random.Generator) -> tuple[Picture, Boxes]:
    """A tenth to a quarter of the light, with the noise of a high sensor gain."""
    light = (image.astype(np.float32) / 255.0) ** 1.5 * random.uniform(0.10, 0.25)
    photons = random.uniform(600, 1500)
    noisy = random.poisson(light * photons).astype(np.float32) / photons
    noisy += random.normal(0.0, 0.006, image.shape).astype(np.float32)
    return np.clip(noisy * 255.0, 0, 255).astype(np.uint8), boxes


def motion(image: Picture, boxes: Boxes, random: np.random.Generator) -> tuple[Picture, Boxes]:
    """Motion blur of a car at 15 km/h at 1/400 to 1/200 s: 2 to 4 % of its plate's width."""
    width = max((box[2] - box[0] for box in boxes), default=100.0)
    length = max(3, round(width * random.uniform(0.02, 0.04)))
    angle = np.deg2rad(random.normal(0.0, 10.0))
    kernel = np.zeros((length, length), np.uint8)
    middle = (length - 1) / 2
    reach = np.array([np.cos(angle), np.sin(angle)]) * middle
    start, end = np.rint(middle - reach).astype(int), np.rint(middle + reach).astype(int)
    cv2.line(kernel, start.tolist(), end.tolist(), (255,))
    weights = kernel.astype(np.float32) / float(kernel.sum())
    smeared = cv2.filter2D(image, -1, weights, borderType=cv2.BORDER_REPLICATE)
    return smeared.astype(np.uint8), boxes


def small(image: Picture, boxes: Boxes, random: np.random.Generator) -> tuple[Picture, Boxes]:
    """Reduced so that the widest plate is 48 px wide; never enlarged."""
    del random
    width = max((box[2] - box[0] for box in boxes), default=SMALL_PLATE_PX)
    scale = min(1.0, SMALL_PLATE_PX / max(width, 1.0))
    size = max(16, round(image.shape[1] * scale)), max(16, round(image.shape[0] * scale))
    shrunk = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
    return shrunk, [(b[0] * scale, b[1] * scale, b[2] * scale, b[3] * scale) for b in boxes]


def tilted(image: Picture, boxes: Boxes, random: np.random.Generator) -> tuple[Picture, Boxes]:
    """Rotated by 8 to 18 degrees and sheared, as seen from a camera at the side of the lane."""
    height, width = image.shape[:2]
    roll = random.choice([-1.0, 1.0]) * random.uniform(8.0, 18.0)
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), roll, 1.0)
    shear = np.array([[random.uniform(0.8, 0.95), random.uniform(-0.15, 0.15)], [0.0, 1.0]])
    matrix = shear @ matrix
    frame = _turn([(0.0, 0.0, float(width), float(height))], matrix)[0]
    matrix[:, 2] -= frame[:2]
    size = round(frame[2] - frame[0]), round(frame[3] - frame[1])
    turned = cv2.warpAffine(image, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    return turned.astype(np.uint8), _turn(boxes, matrix)


def glare(image: Picture, boxes: Boxes, random: np.random.Generator) -> tuple[Picture, Boxes]:
    """The glare of two lamps next to each plate."""
    height, width = image.shape[:2]
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    veil = np.zeros((height, width), np.float32)
    for x0, y0, x1, y1 in boxes:
        reach = x1 - x0
        for side in (-1.0, 1.0):
            x = (x0 + x1) / 2 + side * reach * random.uniform(0.8, 1.3)
            y = (y0 + y1) / 2 - reach * random.uniform(0.0, 0.4)
            distance = np.hypot(columns - x, rows - y) / max(reach, 1.0)
            veil += random.uniform(120, 200) * np.exp(-((distance / 0.6) ** 2))
    return np.clip(image + veil[..., None], 0, 255).astype(np.uint8), boxes


def jpeg(image: Picture, boxes: Boxes, random: np.random.Generator) -> tuple[Picture, Boxes]:
    """JPEG compression at quality 10 to 20."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(10, 21))]
    _, encoded = cv2.imencode(".jpg", image, quality)
    return cv2.imdecode(encoded, cv2.IMREAD_COLOR).astype(np.uint8), boxes


def _turn(boxes: Boxes, matrix: NDArray[np.float64]) -> Boxes:
    """Upright boxes around the corners after an affine change."""
    turned = []
    for x0, y0, x1, y1 in boxes:
        corners = np.array([(x0, y0, 1), (x1, y0, 1), (x1, y1, 1), (x0, y1, 1)], float)
        moved = corners @ matrix.T
        low, high = moved.min(axis=0), moved.max(axis=0)
        turned.append((float(low[0]), float(low[1]), float(high[0]), float(high[1])))
    return turned


CONDITIONS: dict[str, Callable[[Picture, Boxes, np.random.Generator], tuple[Picture, Boxes]]] = {
    "night": night,
    "motion": motion,
    "small": small,
    "tilted": tilted,
    "glare": glare,
    "jpeg": jpeg,
}
