# SPDX-License-Identifier: Apache-2.0
"""Draws lettering that is no number plate: shop signs, taxi signs, telephone numbers, badges."""

from __future__ import annotations

import cv2
import numpy as np

from .plates import Picture
from .sheet import Canvas, choose_font, text_mask

WORDS = (
    "TAXI", "CARS", "CAR", "AUTO", "MOTORS", "SALE", "FOR SALE", "POLICE", "SCHOOL BUS", "BUS",
    "STOP", "PARKING", "NO PARKING", "HOTEL", "CAFE", "BANK", "SERVICE", "GARAGE", "EXIT",
    "ENTRANCE", "OPEN", "CLOSED", "DELIVERY", "EXPRESS", "CARGO", "TRANSPORT", "LOGISTICS",
    "RENT A CAR", "DRIVING SCHOOL", "AMBULANCE", "FIRE", "TURBO", "SPORT", "LINE", "CLUB",
    "TOYOTA", "HONDA", "FORD", "SUZUKI", "MAZDA", "NISSAN", "HYUNDAI", "KIA", "DACIA", "SKODA",
    "VOLVO", "OPEL", "FIAT", "AUDI", "BMW", "JEEP", "TATA", "Corolla", "Civic", "Logan",
    "Octavia", "Transit", "Sprinter", "diesel", "hybrid", "4x4", "4WD", "TDI", "www.example.com",
    "info@example.org", "Welcome", "Thank you", "Keep distance", "Pizza", "Baker", "24 HOURS",
    "NO ENTRY", "LIMITED", "PRIVATE", "PROPERTY", "CAUTION", "WIDE LOAD", "HORN PLEASE",
)  # fmt: skip
FONT_CLASSES = ("small", "bold", "hand", "serif", "condensed", "any", "highway")
HEIGHT = 80


def telephone(rng: np.random.Generator) -> str:
    """A telephone number in groups, nine to twelve digits long."""
    groups = [3, 3, 4] if rng.random() < 0.4 else [int(n) for n in rng.integers(2, 5, 4)]
    parts = ["".join(str(d) for d in rng.integers(0, 10, n)) for n in groups]
    begin = str(rng.choice(["", "", "+", "Tel ", "(0"]))
    return begin + str(rng.choice([" ", "-", " ", "."])).join(parts)


def words(rng: np.random.Generator) -> str:
    """One or two words, or a telephone number."""
    if rng.random() < 0.3:
        return telephone(rng)
    count = 1 if rng.random() < 0.7 else 2
    text = " ".join(str(rng.choice(WORDS)) for _ in range(count))
    return text.lower() if rng.random() < 0.15 else text


def draw_sign(grounds: list[Picture], rng: np.random.Generator) -> Picture:
    """Lettering on a plain board or on a piece of a photograph, BGR, 80 pixels high."""
    count = 1 if rng.random() < 0.7 else 2
    cap = HEIGHT * (rng.uniform(0.3, 0.7) if count == 1 else rng.uniform(0.2, 0.33))
    font = choose_font(str(rng.choice(FONT_CLASSES)), rng)
    lines = [text_mask(words(rng), font, cap) for _ in range(count)]
    mask = _stacked(lines, rng)
    height, width = mask.shape
    ground = _ground(grounds, (width, height), rng)
    ink = rng.integers(0, 256, 3).astype(np.float32)
    middle = ground.reshape(-1, 3).mean(0)
    if abs(float(ink.mean() - middle.mean())) < 50:
        ink = np.full(3, 235.0 if middle.mean() < 128 else 20.0, np.float32)
    ground += mask[..., None] * (ink - ground)
    return np.clip(ground, 0, 255).astype(np.uint8)


def _stacked(lines: list[Canvas], rng: np.random.Generator) -> Canvas:
    """The lines one below the other with room around them."""
    side = int(rng.uniform(2, 30))
    width = max(line.shape[1] for line in lines) + 2 * side
    out = np.zeros((HEIGHT, width), np.float32)
    pitch = HEIGHT / len(lines)
    for number, line in enumerate(line[:HEIGHT] for line in lines):
        y = int(max(0, min(HEIGHT - line.shape[0], number * pitch + (pitch - line.shape[0]) / 2)))
        x = (width - line.shape[1]) // 2
        area = out[y : y + line.shape[0], x : x + line.shape[1]]
        np.maximum(area, line, out=area)
    return out


def _ground(grounds: list[Picture], size: tuple[int, int], rng: np.random.Generator) -> Canvas:
    if not grounds or rng.random() < 0.5:
        plain = np.empty((size[1], size[0], 3), np.float32)
        plain[:] = rng.integers(0, 256, 3)
        return plain
    source = grounds[int(rng.integers(len(grounds)))]
    height, width = source.shape[:2]
    side = int(rng.uniform(0.3, 0.8) * min(height, width))
    x, y = int(rng.integers(0, width - side + 1)), int(rng.integers(0, height - side + 1))
    piece = source[y : y + side, x : x + side]
    return np.asarray(cv2.resize(piece, size, interpolation=cv2.INTER_LINEAR), np.float32)
