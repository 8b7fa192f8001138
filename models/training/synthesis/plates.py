# SPDX-License-Identifier: Apache-2.0
"""Renders flat, upright, clean plates with random layouts; wear and degradation are separate."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from .decor import decorate, start_sheet
from .grammar import Mark, Style, draw_lines, pick_style, registration
from .sheet import Canvas, Sheet, choose_font, text_mask

Picture = npt.NDArray[np.uint8]
MADE_BY_HAND = frozenset({"hand", "serif", "wide"})
SLANTED_SHARE = 0.2


@dataclass(frozen=True)
class RenderedPlate:
    """A flat plate without background, 100 to 160 pixels high, in BGR."""

    image: Picture
    text: str
    two_line: bool
    country: str


@dataclass(frozen=True)
class _Hand:
    """How the registration of one plate is lettered."""

    font: str
    tracking: float
    gap: float
    stretch: float
    weight: int

    def glyph(self, mark: Mark, cap: float) -> tuple[Canvas | None, float, float]:
        """Mask, top offset and advance of one mark, all in pixels."""
        if mark.kind in ("char", "raised"):
            size = cap if mark.kind == "char" else cap * 0.72
            mask = text_mask(mark.text, self.font, size)
            mask = self._shape(mask)
            return mask, 0.0, mask.shape[1] + cap * self.tracking
        if mark.kind == "small":
            mask = text_mask(mark.text, self.font, cap * 0.42)
            return mask, cap * 0.1, mask.shape[1] + cap * 0.15
        if mark.kind == "dash":
            return self._bar(cap * 0.28, cap * 0.12), cap * 0.45, cap * (0.28 + self.tracking)
        if mark.kind == "dot":
            return self._bar(cap * 0.14, cap * 0.14), cap * 0.45, cap * (0.16 + self.tracking)
        if mark.kind == "seal":
            mask = np.zeros((int(cap * 0.95) + 1, int(cap * 0.45) + 1), np.float32)
            return mask, 0.0, cap * 0.5
        return None, 0.0, cap * self.gap * (2.2 if mark.kind == "wide" else 1.0)

    def _shape(self, mask: Canvas) -> Canvas:
        if abs(self.stretch - 1) > 0.02:
            width = max(2, round(mask.shape[1] * self.stretch))
            mask = cv2.resize(mask, (width, mask.shape[0]), interpolation=cv2.INTER_AREA).astype(
                np.float32
            )
        if self.weight > 0:
            return cv2.dilate(mask, np.ones((self.weight + 1, self.weight + 1), np.uint8))
        return mask

    @staticmethod
    def _bar(width: float, height: float) -> Canvas:
        return np.ones((max(2, round(height)), max(2, round(width))), np.float32)


def _line_mask(line: list[Mark], hand: _Hand, cap: float) -> tuple[Canvas, list[tuple[int, int]]]:
    """A line as one mask with its own height, and the places of its seals."""
    placed, seals, x = [], [], 0.0
    for mark in line:
        mask, top, advance = hand.glyph(mark, cap)
        if mark.kind == "seal":
            seals.append((round(x), round(cap * 0.45)))
        elif mask is not None:
            placed.append((mask, round(x), round(top)))
        x += advance
    if line and line[-1].kind in ("char", "raised"):
        x -= cap * hand.tracking
    height = max([int(cap) + 3, *(top + mask.shape[0] for mask, _, top in placed)])
    width = max([int(x) + 2, *(left + mask.shape[1] for mask, left, _ in placed)])
    whole = np.zeros((height, width), np.float32)
    for mask, left, top in placed:
        area = whole[top : top + mask.shape[0], left : left + mask.shape[1]]
        np.maximum(area, mask, out=area)
    return whole, seals


def _stretch(label: str, rng: np.random.Generator) -> float:
    """Width of the characters, stretched to the room on the plate."""
    if label in MADE_BY_HAND:
        return float(np.clip(np.exp(rng.normal(0.1, 0.25)), 0.7, 1.9))
    return float(np.clip(rng.normal(1.0, 0.1), 0.75, 1.3))


def _slanted(mask: Canvas, slant: float) -> Canvas:
    """A line of letters leaning to the right by `slant` pixels for each pixel of height."""
    height, width = mask.shape
    reach = slant * height
    matrix = np.array([[1.0, -slant, max(0.0, reach)], [0.0, 1.0, 0.0]])
    out = cv2.warpAffine(mask, matrix, (width + int(abs(reach)) + 1, height))
    return np.asarray(out, np.float32)


def _emboss(sheet: Sheet, mask: Canvas, x: int, y: int, strength: float) -> None:
    """Shade embossed characters: one flank light, the other dark."""
    raised = cv2.GaussianBlur(np.pad(mask, 4), (3, 3), 0)
    x, y = x - 4, y - 4
    light = np.clip(np.roll(raised, (2, 2), (0, 1)) - raised, 0, 1)
    dark = np.clip(np.roll(raised, (-2, -2), (0, 1)) - raised, 0, 1)
    sheet.paste((light * abs(strength)).astype(np.float32), x, y, (25.0, 25.0, 25.0))
    sheet.paste((dark * abs(strength)).astype(np.float32), x, y, (250.0, 250.0, 250.0))


def _draw_seal(sheet: Sheet, x: int, y: int, radius: int, rng: np.random.Generator) -> None:
    colour = tuple(float(value) for value in rng.integers(30, 230, 3))
    cv2.circle(sheet.canvas, (x, y), radius, colour, -1, cv2.LINE_AA)
    inner = tuple(float(value) for value in rng.integers(60, 255, 3))
    cv2.circle(sheet.canvas, (x, y), max(1, radius * 2 // 3), inner, -1, cv2.LINE_AA)
    if rng.random() < 0.6:
        cv2.circle(sheet.canvas, (x, y), max(1, radius // 3), colour, -1, cv2.LINE_AA)


def _draw_registration(
    sheet: Sheet, lines: list[list[Mark]], style: Style, rng: np.random.Generator
) -> None:
    height = sheet.canvas.shape[0]
    cap = height * style.height * rng.uniform(0.9, 1.08)
    free_height = sheet.bottom - sheet.top
    cap = min(cap, free_height * 0.92 / (len(lines) * 1.08))
    label = style.fonts[int(rng.integers(len(style.fonts)))]
    hand = _Hand(
        font=choose_font(label, rng),
        tracking=float(rng.uniform(0.06, 0.17)),
        gap=float(rng.uniform(0.16, 0.45)),
        stretch=_stretch(label, rng),
        weight=int(rng.choice(4, p=[0.55, 0.2, 0.15, 0.1])),
    )
    slack = free_height - cap * len(lines)
    pitch = cap + slack / (len(lines) + 1) * rng.uniform(0.7, 1.1)
    y = sheet.top + (free_height - pitch * (len(lines) - 1) - cap) / 2 + rng.normal(0, 0.01) * cap
    lean = rng.random()
    strength = float(rng.uniform(0.1, 0.8)) if rng.random() < 0.6 else 0.0
    slanted = label in MADE_BY_HAND and rng.random() < SLANTED_SHARE
    slant = float(rng.uniform(0.1, 0.35)) if slanted else 0.0
    for number, line in enumerate(lines):
        mask, seals = _line_mask(line, hand, cap)
        mask = _slanted(mask, slant) if slant else mask
        room = sheet.right - sheet.left
        scale = min(1.0, room * 0.96 / mask.shape[1])
        if len(lines) == 1 and mask.shape[1] < room * 0.75 and rng.random() < 0.7:
            scale = min(1.35, room * rng.uniform(0.7, 0.95) / mask.shape[1])
        if abs(scale - 1) > 0.01:
            wanted = (max(4, int(mask.shape[1] * scale)), mask.shape[0])
            mask = cv2.resize(mask, wanted, interpolation=cv2.INTER_AREA).astype(np.float32)
        spare = room - mask.shape[1]
        share = 0.5 + rng.normal(0, 0.08) if lean < 0.75 else rng.uniform(0.05, 0.95)
        x = sheet.left + int(spare * float(np.clip(share, 0, 1)))
        row = round(y + number * pitch)
        if strength:
            _emboss(sheet, mask, x, row, strength)
        sheet.paste(mask, x, row, sheet.ink)
        for left, middle in seals:
            _draw_seal(
                sheet,
                x + int((left + cap * 0.2) * scale),
                row + middle,
                int(cap * 0.2 * scale),
                rng,
            )


def render_plate(rng: np.random.Generator) -> RenderedPlate:
    """One random plate of one random layout."""
    style = pick_style(rng)
    lines = draw_lines(style, rng)
    sheet = start_sheet(style, rng)
    decorate(sheet, style, rng)
    _draw_registration(sheet, lines, style, rng)
    image = np.clip(sheet.canvas, 0, 255).astype(np.uint8)
    return RenderedPlate(image, registration(lines), len(lines) > 1, style.country)
