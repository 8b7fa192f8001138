# SPDX-License-Identifier: Apache-2.0
"""Draws a clean plate without its registration: background, bands, borders, small texts, seals."""

from __future__ import annotations

import cv2
import numpy as np

from .grammar import Style
from .sheet import Canvas, Colour, Sheet, bgr, choose_font, text_mask, vary

EU_BLUE = "#1f3f94"
ARABIC_STROKES = 5


def start_sheet(style: Style, rng: np.random.Generator) -> Sheet:
    """An empty plate of the style's proportions and colours."""
    back, ink = style.colours[int(rng.integers(len(style.colours)))]
    height = int(rng.integers(108, 140)) if style.height > 0.42 else int(rng.integers(128, 160))
    width = int(height * style.size[0] / style.size[1] * rng.uniform(0.9, 1.08))
    paper = _vary_paper(bgr(back), rng)
    canvas = np.empty((height, width, 3), np.float32)
    canvas[:] = paper
    if rng.random() < style.extra.get("graphic", 0.0):
        canvas += _scenery(height, width, rng)
    margin = max(3, round(height * rng.uniform(0.03, 0.08)))
    return Sheet(
        canvas, vary(bgr(ink), 12, rng), paper, margin, margin, width - margin, height - margin
    )


def _vary_paper(colour: Colour, rng: np.random.Generator) -> Colour:
    dim = rng.uniform(0.8, 1.04)
    return vary((colour[0] * dim, colour[1] * dim, colour[2] * dim), 6, rng)


def _scenery(height: int, width: int, rng: np.random.Generator) -> Canvas:
    """Soft shapes like the pictures printed on many American plates."""
    kind = rng.random()
    rough = rng.normal(0, 1, (int(rng.integers(2, 7)), int(rng.integers(2, 9)), 3))
    if kind < 0.4:
        rough = rough[:, :1].repeat(2, axis=1)
    wide = cv2.resize(rough.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    if kind > 0.8:
        wide = np.where(wide > 0.3, wide, 0.0)
    return (wide * rng.uniform(8, 30)).astype(np.float32)


def decorate(sheet: Sheet, style: Style, rng: np.random.Generator) -> None:
    """Draw what the style asks for and shrink the area that is left for the registration."""
    extra = style.extra
    if "stripes" in extra:
        _stripes(sheet, bgr(extra["stripes"]))
    if "top_band" in extra:
        _top_band(sheet, extra["top_band"], rng)
    if "band" in extra:
        _side_band(sheet, extra["band"], rng)
    if "right_band" in extra and rng.random() < 0.85:
        _right_band(sheet, bgr(extra["right_band"]), rng)
    _small_texts(sheet, style, rng)
    if "middle" in extra:
        _middle_text(sheet, style, rng)
    if rng.random() < extra.get("arabic", 0.0):
        _foreign_script(sheet, style, rng)
    if rng.random() < extra.get("stickers", 0.0):
        _corner_stickers(sheet, rng)
    if extra.get("holes") and rng.random() < 0.8:
        _holes(sheet, rng)
    _border(sheet, style, rng)


def _stripes(sheet: Sheet, colour: Colour) -> None:
    height, width = sheet.canvas.shape[:2]
    for row in (height // 20, height - height // 20):
        cv2.line(sheet.canvas, (0, row), (width, row), colour, max(1, height // 50), cv2.LINE_AA)


def _letter(sheet: Sheet, text: str, cap: float, x: int, y: int, colour: Colour) -> None:
    mask = text_mask(text, choose_font("small", np.random.default_rng(len(text))), cap)
    sheet.paste(mask, x - mask.shape[1] // 2, y, colour)


def _side_band(sheet: Sheet, spec: str, rng: np.random.Generator) -> None:
    """A band at the left end: `eu:D`, `#rrggbb:TEXT`, or with a `?` before if it may be missing."""
    if spec.startswith("?"):
        if rng.random() < 0.5:
            return
        spec = spec[1:]
    colour_name, text = spec.split(":")
    height, width = sheet.canvas.shape[:2]
    colour = vary(bgr(EU_BLUE if colour_name == "eu" else colour_name), 14, rng)
    thick = int(min(height * 0.4, width * 0.1) * rng.uniform(0.8, 1.15))
    if text == "PUNJAB":
        thick = int(width * rng.uniform(0.16, 0.22))
    left = 0 if rng.random() < 0.6 else sheet.left
    sheet.canvas[:, left : left + thick] = colour
    white: Colour = (235.0, 235.0, 230.0) if sum(colour) < 500 else (150.0, 60.0, 30.0)
    centre = left + thick // 2
    cap = height * (0.14 if len(text) < 3 else 0.1) * min(1.0, 3.2 / max(1, len(text)))
    _letter(sheet, text, max(5.0, cap), centre, int(height * rng.uniform(0.7, 0.78)), white)
    if colour_name == "eu":
        for turn in np.linspace(0, 2 * np.pi, 12, endpoint=False):
            x = centre + np.cos(turn) * thick * 0.3
            y = height * 0.33 + np.sin(turn) * thick * 0.3
            cv2.circle(sheet.canvas, (int(x), int(y)), max(1, thick // 18), (40, 210, 240), -1)
    elif rng.random() < 0.7:
        rough = rng.uniform(60, 240, (4, 3, 3)).astype(np.float32)
        size = max(3, int(thick * 0.6))
        patch = cv2.resize(rough, (size, int(height * 0.4)), interpolation=cv2.INTER_LINEAR)
        x, y = centre - size // 2, int(height * 0.2)
        sheet.canvas[y : y + patch.shape[0], x : x + size] = patch
    sheet.left = left + thick + 2


def _right_band(sheet: Sheet, colour: Colour, rng: np.random.Generator) -> None:
    height, width = sheet.canvas.shape[:2]
    thick = int(min(height * 0.4, width * 0.09))
    sheet.canvas[:, width - thick :] = vary(colour, 14, rng)
    if rng.random() < 0.7:
        digits = "".join(str(rng.integers(10)) for _ in range(2))
        _letter(
            sheet, digits, height * 0.12, width - thick // 2, int(height * 0.7), (235, 235, 230)
        )
    sheet.right = width - thick - 2


def _top_band(sheet: Sheet, spec: str, rng: np.random.Generator) -> None:
    colour_name, text = spec.split(":")
    height, width = sheet.canvas.shape[:2]
    thick = int(height * rng.uniform(0.16, 0.25))
    sheet.canvas[:thick] = vary(bgr(colour_name), 14, rng)
    _letter(sheet, text, thick * 0.5, width // 2, int(thick * 0.22), (235, 235, 230))
    sheet.top = thick


def _small_texts(sheet: Sheet, style: Style, rng: np.random.Generator) -> None:
    height, width = sheet.canvas.shape[:2]
    for place in ("top", "bottom"):
        text = style.words(place, rng)
        if not text:
            continue
        cap = height * rng.uniform(0.07, 0.15)
        font = choose_font(("small", "us", "hand", "serif")[int(rng.integers(4))], rng)
        mask = text_mask(text, font, cap)
        if mask.shape[1] > width * 0.85:
            size = (int(width * 0.85), mask.shape[0])
            mask = cv2.resize(mask, size, interpolation=cv2.INTER_AREA).astype(np.float32)
        row = round(height * rng.uniform(0.03, 0.08))
        y = row if place == "top" else height - row - mask.shape[0]
        colour = sheet.ink if rng.random() < 0.6 else vary((110.0, 60.0, 60.0), 50, rng)
        sheet.paste(mask, (width - mask.shape[1]) // 2, y, colour)
        if place == "top":
            sheet.top = max(sheet.top, y + mask.shape[0] + 2)
        else:
            sheet.bottom = min(sheet.bottom, y - 2)


def _middle_text(sheet: Sheet, style: Style, rng: np.random.Generator) -> None:
    """The name of an emirate, stacked left of the number."""
    height = sheet.canvas.shape[0]
    mask = text_mask(style.words("middle", rng), choose_font("small", rng), height * 0.16)
    if rng.random() < 0.5:
        sheet.paste(mask, sheet.left + 3, int(height * rng.uniform(0.15, 0.7)), sheet.ink)
        sheet.left += mask.shape[1] + 6
    else:
        sheet.paste(mask, sheet.right - mask.shape[1] - 3, int(height * 0.6), sheet.ink)
        sheet.right -= mask.shape[1] + 6


def _foreign_script(sheet: Sheet, style: Style, rng: np.random.Generator) -> None:
    """Strokes that look like Arabic writing, in the upper part or at one side."""
    height, width = sheet.canvas.shape[:2]
    above = rng.random() < 0.5 and style.height > 0.4
    x0, x1 = (sheet.left, sheet.right) if above else (int(width * 0.72), sheet.right)
    y0, y1 = (sheet.top, int(height * 0.3)) if above else (sheet.top, sheet.bottom)
    for _ in range(int(rng.integers(2, ARABIC_STROKES + 2))):
        x = rng.uniform(x0 + 5, x1 - 10)
        y = rng.uniform(y0 + 4, y1 - 6)
        reach = (y1 - y0) * rng.uniform(0.2, 0.5)
        steps = np.cumsum(rng.normal(0, reach / 2, (4, 2)), axis=0) + np.array([x, y])
        steps = np.clip(steps, (x0 + 2, y0 + 2), (x1 - 2, y1 - 2)).astype(np.int32)
        thick = max(1, int(height * rng.uniform(0.02, 0.045)))
        cv2.polylines(sheet.canvas, [steps], False, sheet.ink, thick, cv2.LINE_AA)
    if above:
        sheet.top = int(height * 0.32)
    else:
        sheet.right = x0 - 2


def _corner_stickers(sheet: Sheet, rng: np.random.Generator) -> None:
    height, width = sheet.canvas.shape[:2]
    size = int(height * rng.uniform(0.12, 0.2))
    for left in (True, False):
        if rng.random() < 0.6:
            x = int(width * 0.05) if left else width - int(width * 0.05) - size
            y = int(height * 0.05) if rng.random() < 0.7 else height - size - int(height * 0.05)
            colour = tuple(float(value) for value in rng.integers(40, 240, 3))
            sheet.canvas[y : y + size, x : x + int(size * 1.3)] = colour
            text = str(rng.integers(1, 20))
            _letter(sheet, text, size * 0.6, x + size // 2, y + size // 5, (240, 240, 240))


def _holes(sheet: Sheet, rng: np.random.Generator) -> None:
    height, width = sheet.canvas.shape[:2]
    for x in (0.2, 0.8):
        for y in (0.07, 0.93):
            if rng.random() < 0.8:
                shade = float(rng.integers(20, 160))
                centre = (int(width * x), int(height * y))
                cv2.circle(sheet.canvas, centre, max(2, height // 40), (shade,) * 3, -1)


def _border(sheet: Sheet, style: Style, rng: np.random.Generator) -> None:
    height, width = sheet.canvas.shape[:2]
    inner = style.extra.get("inner_border")
    if rng.random() < style.extra.get("border", 0.75) or inner:
        gap = int(rng.integers(0, max(2, height // 22)))
        thick = int(rng.integers(1, max(2, height // 32) + 1))
        colour = sheet.ink if rng.random() < 0.7 else vary((100.0,) * 3, 40, rng)
        cv2.rectangle(
            sheet.canvas,
            (gap, gap),
            (width - 1 - gap, height - 1 - gap),
            colour,
            thick,
            cv2.LINE_AA,
        )
