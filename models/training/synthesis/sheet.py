# SPDX-License-Identifier: Apache-2.0
"""The sheet that a plate is drawn on, and the masks and colours that it is drawn with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from .fonts import fonts_by_class, load_font

Canvas = npt.NDArray[np.float32]
Colour = tuple[float, float, float]


@dataclass
class Sheet:
    """A plate while it is being drawn, with the free area left for the registration."""

    canvas: Canvas
    ink: Colour
    back: Colour
    left: int
    top: int
    right: int
    bottom: int

    def paste(self, mask: Canvas, x: int, y: int, colour: Colour) -> None:
        """Blend a colour into the canvas through a mask in 0..1."""
        height, width = self.canvas.shape[:2]
        x0, y0 = max(0, x), max(0, y)
        x1, y1 = min(width, x + mask.shape[1]), min(height, y + mask.shape[0])
        if x1 <= x0 or y1 <= y0:
            return
        part = mask[y0 - y : y1 - y, x0 - x : x1 - x, None]
        area = self.canvas[y0:y1, x0:x1]
        area += part * (np.array(colour, np.float32) - area)


def bgr(text: str) -> Colour:
    """A colour written as #rrggbb."""
    return float(int(text[5:7], 16)), float(int(text[3:5], 16)), float(int(text[1:3], 16))


def vary(colour: Colour, spread: float, rng: np.random.Generator) -> Colour:
    """A colour near another one."""
    blue, green, red = np.clip(
        np.array(colour) + rng.normal(0, spread) + rng.normal(0, spread / 3, 3), 0, 255
    )
    return float(blue), float(green), float(red)


def choose_font(label: str, rng: np.random.Generator) -> str:
    """The path of a random font of a class."""
    paths = fonts_by_class().get(label) or fonts_by_class()["any"]
    return str(paths[int(rng.integers(len(paths)))])


def text_mask(text: str, font_path: str, cap: float) -> Canvas:
    """A tight mask of one text whose capitals are `cap` pixels high."""
    probe = load_font(Path(font_path), 100).getbbox("H")
    size = max(6, round(cap * 100 / max(1, probe[3] - probe[1])))
    font = load_font(Path(font_path), size)
    x0, y0, x1, y1 = font.getbbox(text or " ")
    width, height = max(1, round(x1 - x0)), max(1, round(y1 - y0))
    image = Image.new("L", (width + 2, height + 2))
    ImageDraw.Draw(image).text((1 - x0, 1 - y0), text, fill=255, font=font)
    return np.asarray(image, np.float32) / 255.0
