# SPDX-License-Identifier: Apache-2.0
"""Simulates the stills of a car that drives up to a gate, from one photograph of it.

From still to still the car comes nearer; each still has its own motion blur, exposure, sensor noise
and JPEG compression. What a photograph does not show (another angle, a hidden character) stays
hidden in all stills of its drive.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import cv2
import numpy as np

from benchmarking.conditions import Boxes, Picture

STILLS = 5
FARTHEST = 0.75  # size of the car in the first still, as a share of that in the photograph
SPEED = (0.0, 0.035)  # blur as a share of the plate's width: 0 to 15 km/h at 1/250 s
ANGLE_DEG = 10.0  # deviation of the direction of the blur
EXPOSURE = (0.45, 1.35)  # light of a still compared with the photograph
PHOTONS = (800.0, 4000.0)  # a white pixel's; fewer make more noise
QUALITY = (25, 80)  # of the JPEG


def drive(image: Picture, boxes: Boxes, name: str) -> Iterator[tuple[Picture, Boxes]]:
    """The stills of one drive, the nearest last; the name seeds the random numbers."""
    random = np.random.default_rng(zlib.crc32(f"drive {name}".encode()))
    speed = random.uniform(*SPEED)
    for number in range(STILLS):
        scale = FARTHEST + (1 - FARTHEST) * number / (STILLS - 1)
        yield _still(image, boxes, scale, speed, random)


def _still(
    image: Picture, boxes: Boxes, scale: float, speed: float, random: np.random.Generator
) -> tuple[Picture, Boxes]:
    size = max(16, round(image.shape[1] * scale)), max(16, round(image.shape[0] * scale))
    seen = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    moved = [(b[0] * scale, b[1] * scale, b[2] * scale, b[3] * scale) for b in boxes]
    width = max((box[2] - box[0] for box in moved), default=100.0)
    kernel = _blur(width * speed * random.uniform(0.7, 1.3), random.normal(0.0, ANGLE_DEG))
    blurred = cv2.filter2D(seen, -1, kernel, borderType=cv2.BORDER_REPLICATE)
    light = np.clip(blurred / 255.0 * random.uniform(*EXPOSURE), 0.0, 1.0)
    photons = random.uniform(*PHOTONS)
    light += random.normal(0.0, 1.0, light.shape) * np.sqrt(light / photons)
    pixels = np.clip(light * 255.0, 0, 255).astype(np.uint8)
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(*QUALITY))]
    _, encoded = cv2.imencode(".jpg", pixels, quality)
    return cv2.imdecode(encoded, cv2.IMREAD_COLOR).astype(np.uint8), moved


def _blur(length: float, angle_deg: float) -> Picture:
    """The kernel of a straight movement of `length` pixels."""
    side = max(1, int(np.ceil(length)) | 1)
    reach = np.array([np.cos(np.deg2rad(angle_deg)), np.sin(np.deg2rad(angle_deg))]) * length / 2
    middle = (side - 1) / 2
    kernel = np.zeros((side, side), np.float32)
    for share in np.linspace(-1.0, 1.0, 4 * side + 1):
        x, y = np.rint(middle + reach * share).astype(int)
        if 0 <= x < side and 0 <= y < side:
            kernel[y, x] += 1.0
    return np.asarray(kernel / kernel.sum())
