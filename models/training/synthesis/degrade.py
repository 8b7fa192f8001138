# SPDX-License-Identifier: Apache-2.0
"""Degrades a cropped plate as cameras, light and weather do."""

from __future__ import annotations

import cv2
import numpy as np

from .plates import Picture


def motion_blur(image: Picture, length: float, angle: float) -> Picture:
    """Motion blur: `length` in pixels, `angle` in degrees from the horizontal."""
    size = int(np.ceil(length)) // 2 * 2 + 1
    if size < 3:
        return image
    kernel = np.zeros((size, size), np.float32)
    reach = np.array([np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))]) * (length - 1) / 2
    centre = size // 2
    first = (round((centre - reach[0]) * 16), round((centre - reach[1]) * 16))
    last = (round((centre + reach[0]) * 16), round((centre + reach[1]) * 16))
    cv2.line(kernel, first, last, 1.0, 1, cv2.LINE_8, 4)
    kernel /= kernel.sum()
    return np.asarray(cv2.filter2D(image, -1, kernel, borderType=cv2.BORDER_REPLICATE), np.uint8)


def jpeg(image: Picture, quality: int) -> Picture:
    """Compress and decompress."""
    flag = cv2.IMREAD_GRAYSCALE if image.ndim == 2 else cv2.IMREAD_COLOR
    _, packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(packed, flag), np.uint8)


def sensor_noise(image: Picture, strength: float, rng: np.random.Generator) -> Picture:
    """Sensor noise: read noise and shot noise."""
    grain = rng.standard_normal(image.shape[:2], np.float32)
    if rng.random() < 0.4:
        grain = cv2.GaussianBlur(grain, (3, 3), 0.7) * 1.6
    level = strength * (0.5 + image.astype(np.float32) / 255.0)
    extra = grain if image.ndim == 2 else grain[..., None]
    return np.clip(image + extra * level, 0, 255).astype(np.uint8)


def night(image: Picture, rng: np.random.Generator) -> Picture:
    """Dim, low-contrast and noisy, as under a street lamp or from a dashboard camera."""
    contrast = rng.uniform(0.06, 0.4)
    lift = rng.uniform(2, 40)
    dark = np.clip(image.astype(np.float32) * contrast + lift, 0, 255).astype(np.uint8)
    return sensor_noise(dark, float(rng.uniform(1.0, 5.0)) * (contrast + 0.2) * 2, rng)


def glare(image: Picture, rng: np.random.Generator) -> Picture:
    """A bright spot or streak with glare around it."""
    height, width = image.shape[:2]
    xs = (np.arange(width, dtype=np.float32) - rng.uniform(0, width)) / width
    ys = (np.arange(height, dtype=np.float32) - rng.uniform(-0.2, 1.2) * height) / height
    wide, tall = rng.uniform(0.08, 0.5), rng.uniform(0.2, 1.5)
    spot = np.exp(-((xs[None] / wide) ** 2) - (ys[:, None] / tall) ** 2) * rng.uniform(40, 230)
    if image.ndim == 3:
        spot = spot[..., None]
    return np.clip(image + spot, 0, 255).astype(np.uint8)


def overexpose(image: Picture, rng: np.random.Generator) -> Picture:
    """A retroreflective plate in headlights or infrared: overexposed, with thinned characters."""
    gain, bloom = rng.uniform(1.1, 2.2), rng.uniform(0.4, 2.0)
    soft = cv2.GaussianBlur(image, (0, 0), bloom).astype(np.float32)
    return np.clip(np.maximum(soft, image) * gain + rng.uniform(0, 60), 0, 255).astype(np.uint8)


def low_resolution(image: Picture, height: int) -> Picture:
    """The picture reduced to `height` pixels and enlarged to its old size."""
    size = (image.shape[1], image.shape[0])
    small = (max(6, round(size[0] * height / size[1])), max(4, height))
    tiny = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(tiny, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def light(image: Picture, rng: np.random.Generator) -> Picture:
    """Contrast, brightness, gamma and a slope of brightness across the plate."""
    table = np.arange(256, dtype=np.float32) / 255.0
    table = table ** rng.uniform(0.6, 1.7) * 255.0
    table = (table - 128) * rng.uniform(0.35, 1.3) + 128 + rng.uniform(-60, 50)
    out = cv2.LUT(image, np.clip(table, 0, 255).astype(np.uint8))
    if rng.random() < 0.25:
        slope = np.linspace(-1, 1, image.shape[1], dtype=np.float32) * rng.uniform(-50, 50)
        out = np.clip(out + (slope[None] if image.ndim == 2 else slope[None, :, None]), 0, 255)
    return np.asarray(out, np.uint8)


def degrade(crop: Picture, rng: np.random.Generator, amount: float = 1.0) -> Picture:
    """A random mix of degradations on a crop, grey or BGR; `amount` scales their frequency."""
    if rng.random() < 0.08 * amount:
        crop = glare(crop, rng)
    if rng.random() < 0.06 * amount:
        crop = overexpose(crop, rng)
    blur = rng.random()
    if blur < 0.2 * amount:
        angle = rng.normal(0, 15) if rng.random() < 0.75 else rng.uniform(0, 180)
        crop = motion_blur(crop, 2 + rng.gamma(2.0, 0.035) * crop.shape[0], float(angle))
    elif blur < 0.48 * amount:
        sigma = float(rng.uniform(0.3, 0.026 * crop.shape[0] + 0.35))
        crop = np.asarray(cv2.GaussianBlur(crop, (0, 0), sigma), np.uint8)
    if rng.random() < 0.13 * amount:
        crop = night(crop, rng)
    else:
        crop = light(crop, rng)
        if rng.random() < 0.4 * amount:
            crop = sensor_noise(crop, float(rng.gamma(2.0, 3.0)), rng)
    if rng.random() < 0.35 * amount:
        crop = jpeg(crop, int(rng.integers(12, 85)))
    return crop
