# SPDX-License-Identifier: Apache-2.0
"""Degrade a picture as light, weather, lens and camera do; plates stay where they are."""

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
_GRAIN = np.random.default_rng(5).normal(0, 1, (768, 1024)).astype(np.float32)


def grain(rng: Generator, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Gaussian noise, cut at a random place from a fixed sheet, in three shifted layers."""
    height, width = shape[:2]
    layers = []
    for _ in range(3):
        y, x = rng.integers(0, 768 - height), rng.integers(0, 1024 - width)
        layers.append(_GRAIN[y : y + height, x : x + width])
    return np.stack(layers, axis=2)


def curve(rng: Generator, image: Picture) -> Picture:
    """Brightness, contrast, gamma and white balance in one table for each colour."""
    level = np.arange(256, dtype=np.float32) / 255
    gamma = np.exp(rng.normal(0, 0.3))
    contrast, shift = np.exp(rng.normal(0, 0.22)), rng.normal(0, 0.08)
    table = (level**gamma - 0.5) * contrast + 0.5 + shift
    tint = np.exp(rng.normal(0, 0.08, 3)) if rng.random() < 0.6 else np.ones(3)
    if rng.random() < 0.06:  # no infrared filter: magenta or violet
        tint = np.array([rng.uniform(0.6, 1.1), rng.uniform(0.3, 0.8), 1.1])
    tables = np.clip(table[:, None] * tint * 255, 0, 255).astype(np.uint8)
    return cv2.LUT(image, tables[None])


def night(rng: Generator, image: Picture) -> Picture:
    """Most of the light gone, the grain of a camera that amplifies the rest, sometimes lamps."""
    dark = image.astype(np.float32)
    if rng.random() < 0.4:
        dark = 255 * (dark / 255) ** rng.uniform(1.0, 2.2)
    dark *= rng.uniform(0.06, 0.5)
    if rng.random() < 0.4:
        dark = lamps(rng, dark)
    shot = np.sqrt(np.maximum(dark, 1)) * rng.uniform(0.1, 1.0) + rng.uniform(0.5, 8)
    dark += grain(rng, image.shape) * shot
    if rng.random() < 0.3:
        dark *= rng.uniform(1.0, 2.5)
    return np.clip(dark, 0, 255).astype(np.uint8)


def lamps(rng: Generator, image: NDArray[np.float32]) -> NDArray[np.float32]:
    """One or two headlights with a halo."""
    height, width = image.shape[:2]
    small = np.zeros((height // 4, width // 4, 3), np.float32)
    x, y, apart = rng.uniform(0.1, 0.7), rng.uniform(0.2, 0.8), rng.uniform(0.08, 0.4)
    warm = np.array([rng.uniform(0.5, 1), rng.uniform(0.7, 1), 1.0]) * rng.uniform(120, 400)
    for at in (x, x + apart)[: rng.integers(1, 3)]:
        middle = (int(at * width / 4), int(y * height / 4))
        cv2.circle(small, middle, int(rng.integers(1, 5)), warm.tolist(), -1)
    halo = cv2.GaussianBlur(small, (0, 0), rng.uniform(2, 9))
    total = small + halo * rng.uniform(1, 6)
    return image + cv2.resize(total, (width, height))


def motion(rng: Generator, image: Picture) -> Picture:
    """The smear of a moving car or a shaking camera."""
    length = int(rng.integers(3, 10))
    kernel = np.zeros((length, length), np.float32)
    angle = rng.normal(0, 0.4) if rng.random() < 0.7 else rng.uniform(0, np.pi)
    reach = np.array([np.cos(angle), np.sin(angle)]) * length / 2
    middle = np.array([length / 2 - 0.5] * 2)
    begin, end = (middle - reach).round().astype(int), (middle + reach).round().astype(int)
    cv2.line(kernel, begin.tolist(), end.tolist(), 1)
    return cv2.filter2D(image, -1, kernel / kernel.sum())


def coarse(rng: Generator, image: Picture) -> Picture:
    """A cheap or distant camera: fewer pixels, blown up again."""
    height, width = image.shape[:2]
    share = rng.uniform(0.45, 0.9)
    small = cv2.resize(image, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    return cv2.resize(
        small, (width, height), interpolation=int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC]))
    )


def rain(rng: Generator, image: Picture) -> Picture:
    streaks = np.zeros(image.shape[:2], np.uint8)
    lean = int(rng.integers(-6, 7))
    for _ in range(int(rng.integers(40, 200))):
        x, y = int(rng.integers(image.shape[1])), int(rng.integers(image.shape[0]))
        cv2.line(streaks, (x, y), (x + lean, y + int(rng.integers(6, 22))), 255, 1)
    veil = cv2.blur(streaks, (2, 3))[..., None] * np.float32(rng.uniform(0.1, 0.4))
    return np.clip(image * np.float32(0.85) + 20 + veil, 0, 255).astype(np.uint8)


def compressed(rng: Generator, image: Picture) -> Picture:
    _, code = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(10, 80))])
    return cv2.imdecode(code, cv2.IMREAD_COLOR)


def grey(_rng: Generator, image: Picture) -> Picture:
    return cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)


def noisy(rng: Generator, image: Picture) -> Picture:
    strength = np.float32(rng.uniform(2, 14))
    return np.clip(image + grain(rng, image.shape) * strength, 0, 255).astype(np.uint8)


def blurred(rng: Generator, image: Picture) -> Picture:
    return cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 2.0))


def bleached(rng: Generator, image: Picture) -> Picture:
    """Exposed for something darker: light surfaces run into white and spill over."""
    bright = image.astype(np.float32) * rng.uniform(1.3, 2.6)
    spill = cv2.GaussianBlur(np.maximum(bright - 255, 0), (0, 0), rng.uniform(1, 4))
    return np.clip(bright + spill * rng.uniform(0, 1), 0, 255).astype(np.uint8)


STEPS = (
    (bleached, 0.06),
    (coarse, 0.15),
    (motion, 0.12),
    (blurred, 0.12),
    (rain, 0.05),
    (curve, 0.75),
    (grey, 0.15),
    (night, 0.22),
    (noisy, 0.15),
    (compressed, 0.14),
)


def weathered(rng: Generator, image: Picture) -> Picture:
    """The picture after a random few of all these."""
    for step, chance in STEPS:
        if rng.random() < chance:
            image = step(rng, image)
    return image
