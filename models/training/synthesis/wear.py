# SPDX-License-Identifier: Apache-2.0
"""Wear of a plate on a car: screws, frames, dirt, shadows, scratches, a background."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from .plates import Picture, RenderedPlate
from .sheet import choose_font, text_mask

Box = tuple[float, float, float, float]
FRAME_WORDS = (
    "AUTOHAUS EXAMPLE", "MOTORS", "www.dealer.example", "TOYOTA OF SPRINGFIELD", "I LOVE MY DOG",
    "ALUMNI", "FORD", "EXAMPLE AUTO CENTER", "UNIVERSITY", "HONDA CITY", "0123 456 789",
)  # fmt: skip


@dataclass(frozen=True)
class PlacedPlate:
    """A plate with some of its surroundings, and its box in pixels."""

    image: Picture
    box: Box
    text: str
    two_line: bool


def _screws(image: Picture, rng: np.random.Generator) -> None:
    height, width = image.shape[:2]
    spots = [(0.12, 0.5), (0.88, 0.5), (0.2, 0.1), (0.8, 0.1), (0.2, 0.9), (0.8, 0.9), (0.5, 0.5)]
    for _ in range(int(rng.integers(1, 4))):
        x, y = spots[int(rng.integers(len(spots)))]
        centre = (int(width * x + rng.normal(0, 6)), int(height * y + rng.normal(0, 3)))
        radius = max(2, int(height * rng.uniform(0.02, 0.055)))
        shade = float(rng.integers(20, 240))
        cv2.circle(image, centre, radius, (shade,) * 3, -1, cv2.LINE_AA)
        cv2.circle(image, centre, radius, (shade * 0.5,) * 3, 1, cv2.LINE_AA)


def _blobs(
    height: int, width: int, grain: int, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    rough = rng.random((max(2, height // grain), max(2, width // grain))).astype(np.float32)
    return cv2.resize(rough, (width, height), interpolation=cv2.INTER_CUBIC)


def _dirt(image: Picture, rng: np.random.Generator) -> Picture:
    height, width = image.shape[:2]
    spots = _blobs(height, width, int(rng.integers(4, 40)), rng)
    edge = rng.uniform(0.55, 0.85)
    mask = np.clip((spots - edge) * 4, 0, 1)[..., None] * rng.uniform(0.1, 0.75)
    if rng.random() < 0.4:
        mask = mask * np.linspace(0, 1.5, height, dtype=np.float32)[:, None, None].clip(0, 1)
    colour = np.array([90, 110, 125], np.float32) * rng.uniform(0.4, 1.3)
    return np.clip(image + mask * (colour - image), 0, 255).astype(np.uint8)


def _shadow(image: Picture, rng: np.random.Generator) -> Picture:
    height, width = image.shape[:2]
    mask = np.ones((height, width), np.float32)
    if rng.random() < 0.5:
        edge = int(height * rng.uniform(0.1, 0.6))
        mask[:edge] = rng.uniform(0.35, 0.85)
    else:
        xs = rng.integers(-width // 3, width + width // 3, 4)
        corners = np.array([[xs[0], 0], [xs[1], 0], [xs[2], height], [xs[3], height]], np.int32)
        cv2.fillPoly(mask, [corners], float(rng.uniform(0.35, 0.85)))
    soft = int(rng.integers(0, 8)) * 2 + 1
    mask = cv2.GaussianBlur(mask, (soft, soft), 0)
    return (image * mask[..., None]).astype(np.uint8)


def _fade(image: Picture, rng: np.random.Generator) -> Picture:
    """Paint that flakes off the characters, or a plate bleached by the sun."""
    height, width = image.shape[:2]
    spots = _blobs(height, width, int(rng.integers(3, 12)), rng)
    mask = np.clip((spots - rng.uniform(0.5, 0.8)) * 5, 0, 1)[..., None] * rng.uniform(0.1, 0.6)
    paper = np.median(image.reshape(-1, 3), axis=0)
    return np.clip(image + mask * (paper - image), 0, 255).astype(np.uint8)


def wear(image: Picture, rng: np.random.Generator) -> Picture:
    """A used plate; each kind of wear appears on some plates only."""
    image = image.copy()
    if rng.random() < 0.45:
        _screws(image, rng)
    if rng.random() < 0.22:
        image = _dirt(image, rng)
    if rng.random() < 0.12:
        image = _fade(image, rng)
    if rng.random() < 0.35:
        image = _shadow(image, rng)
    return image


def frame(image: Picture, rng: np.random.Generator) -> tuple[Picture, Box]:
    """The plate in a holder, and where the plate lies in it; some holders cover the rim."""
    height, width = image.shape[:2]
    sides = [int(height * rng.uniform(0.02, 0.12)) for _ in range(4)]
    if rng.random() < 0.5:
        sides[1] = int(height * rng.uniform(0.1, 0.3))
    colour = float(rng.choice([15, 25, 35, 60, 170, 200])) + float(rng.normal(0, 6))
    top, bottom, left, right = sides
    held = cv2.copyMakeBorder(
        image, top, bottom, left, right, cv2.BORDER_CONSTANT, value=(max(0.0, colour),) * 3
    ).astype(np.float32)
    if bottom > 10 and rng.random() < 0.7:
        words = FRAME_WORDS[int(rng.integers(len(FRAME_WORDS)))]
        mask = text_mask(words, choose_font("small", rng), bottom * rng.uniform(0.4, 0.65))
        x, y = max(0, (held.shape[1] - mask.shape[1]) // 2), top + height + bottom // 6
        area = held[y : y + mask.shape[0], x : x + mask.shape[1]]
        part = mask[: area.shape[0], : area.shape[1], None]
        area += part * ((20.0 if colour > 100 else 215.0) - area)
    return np.clip(held, 0, 255).astype(np.uint8), (left, top, left + width, top + height)


def place(
    plate: RenderedPlate, backgrounds: list[Picture], rng: np.random.Generator
) -> PlacedPlate:
    """The worn plate on a piece of a photograph, with a margin around it."""
    image = wear(plate.image, rng)
    box: Box = (0, 0, image.shape[1], image.shape[0])
    if rng.random() < 0.4:
        image, box = frame(image, rng)
    height, width = image.shape[:2]
    margin_x, margin_y = int(width * 0.2), int(height * 0.35)
    big = (width + 2 * margin_x, height + 2 * margin_y)
    ground = _ground(backgrounds, big, rng)
    ground[margin_y : margin_y + height, margin_x : margin_x + width] = image
    if rng.random() < 0.5:
        _cast_shadow(ground, margin_x, margin_y + height, width, rng)
    moved = (box[0] + margin_x, box[1] + margin_y, box[2] + margin_x, box[3] + margin_y)
    return PlacedPlate(ground, moved, plate.text, plate.two_line)


def _cast_shadow(image: Picture, x: int, y: int, width: int, rng: np.random.Generator) -> None:
    depth = int(rng.integers(2, 14))
    area = image[y : y + depth, x + depth // 2 : x + width]
    area[:] = (area * rng.uniform(0.3, 0.7)).astype(np.uint8)


def _ground(backgrounds: list[Picture], size: tuple[int, int], rng: np.random.Generator) -> Picture:
    if not backgrounds or rng.random() < 0.25:
        plain = np.empty((size[1], size[0], 3), np.uint8)
        plain[:] = rng.integers(0, 235, 3)
        return plain
    source = backgrounds[int(rng.integers(len(backgrounds)))]
    height, width = source.shape[:2]
    side_x = int(rng.uniform(0.15, 0.6) * width)
    side_y = min(height, max(8, int(side_x * size[1] / size[0])))
    x = int(rng.integers(0, width - side_x + 1))
    y = int(rng.integers(0, height - side_y + 1))
    piece = source[y : y + side_y, x : x + side_x]
    return cv2.resize(piece, size, interpolation=cv2.INTER_LINEAR).astype(np.uint8)
