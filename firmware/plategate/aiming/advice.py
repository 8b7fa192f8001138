# SPDX-License-Identifier: Apache-2.0
"""Rates aiming measurements and says what to change; pure.

The limits are common in the field (floor and good): plate width 130 and 170 px, character height 15
and 20 px, contrast 15 and 25 grey levels, tilt 30 and 20 degrees.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import IntEnum

from plategate.aiming.measure import Measurement, Scene
from plategate.messages import Signal


class Grade(IntEnum):
    """The grade of a rating; the worst one counts for the still."""

    GOOD = 0
    FAIR = 1
    BAD = 2


SIGNALS = {Grade.GOOD: Signal.GRANTED, Grade.FAIR: Signal.UNSURE, Grade.BAD: Signal.REFUSED}


@dataclass(frozen=True, slots=True)
class Rating:
    """One rated measurement: its value in words, its grade, and what to change.

    `number` is the value in `unit`, `limits` are the floor and the good value; None where a rating
    has none.
    """

    name: str
    value: str
    grade: Grade
    advice: str = ""
    number: float | None = None
    limits: tuple[float, float] | None = None
    unit: str = ""


WIDTH_PX = (130.0, 170.0)
CHARACTER_PX = (15.0, 20.0)
CONTRAST = (15.0, 25.0)
SATURATED = (0.30, 0.05)
# Edge width as a share of the character height; beyond the first value drawn characters merge.
BLUR_OF_CHARACTER = (0.06, 0.05)
SMEAR = (3.0, 1.6)
ANGLE_DEG = (30.0, 20.0)
DARK_SCENE, WHITE_SCENE = 25.0, 0.3
# The narrowest edge that a lens and a pixel grid can show.
SHARPEST_PX = 0.8


def assess(measured: Measurement | None, scene: Scene) -> tuple[Rating, ...]:
    """All ratings of one still, at least one; `measured` is None if no plate was found."""
    if measured is None:
        return (_no_plate(scene),)
    return tuple(_rate(measured))


def worst(ratings: tuple[Rating, ...]) -> Grade:
    """The worst grade, which the lamps show."""
    return max(rating.grade for rating in ratings)


def _rate(m: Measurement) -> Iterator[Rating]:
    yield _width(m)
    if m.character_height_px is not None:
        yield _at_least(
            "character height", m.character_height_px, CHARACTER_PX, "px",
            "go nearer, use a longer lens, or narrow camera.roi",
        )  # fmt: skip
    yield _at_least(
        "contrast", m.contrast, CONTRAST, "grey levels",
        "put more light on the plate, expose longer, or reduce glare",
    )  # fmt: skip
    yield _at_most(
        "saturation", 100 * m.saturated, (100 * SATURATED[0], 100 * SATURATED[1]), "%",
        "the plate is overexposed: shorten camera.*.exposure_us, then lower the gain",
    )  # fmt: skip
    yield from _sharpness(m)
    for name, degrees, advice in (
        ("tilt", m.tilt_deg, "rotate the camera about its optical axis"),
        ("slant", m.slant_deg, "move the camera towards the middle of the lane"),
    ):
        yield _at_most(name, abs(degrees), ANGLE_DEG, "degrees", advice)


def _width(m: Measurement) -> Rating:
    factor = WIDTH_PX[1] / max(1.0, m.plate_width_px)
    return _at_least(
        "plate width", m.plate_width_px, WIDTH_PX, "px",
        f"should be {factor:.1f} times larger: go nearer, use a longer lens, or narrow camera.roi",
    )  # fmt: skip


def _sharpness(m: Measurement) -> Iterator[Rating]:
    height_px = m.character_height_px or m.plate_width_px / 8
    floor_px = SHARPEST_PX / BLUR_OF_CHARACTER[1]
    limits = tuple(share * max(height_px, floor_px) for share in BLUR_OF_CHARACTER)
    smeared = m.smear > SMEAR[1] and m.blur_px > SHARPEST_PX
    shorter = "shorten camera.*.exposure_us"
    which_way = "sideways" if m.blur_across_px > m.blur_along_px else "up and down"
    yield _at_most(
        "sharpness", m.blur_px, (limits[0], limits[1]), "px wide edges",
        shorter if smeared else "focus on the plate: camera.focus_m, or turn the lens",
        digits=1,
    )  # fmt: skip
    rating = _at_most(
        "motion blur", m.smear, SMEAR, "times",
        f"smeared {which_way}: {shorter}, then add light",
        digits=1,
    )  # fmt: skip
    yield rating if smeared else replace(rating, grade=Grade.GOOD, advice="")


def _no_plate(scene: Scene) -> Rating:
    seen = f"none; brightness {scene.brightness:.0f}, {100 * scene.white:.0f} % white"
    if scene.brightness < DARK_SCENE:
        advice = "the picture is dark: add light, expose longer, or remove the lens cap"
    elif scene.white > WHITE_SCENE:
        advice = "the picture is white: shorten the exposure, or shade the lens"
    else:
        advice = "put a vehicle or a plate where vehicles will stop, and point the camera at it"
    return Rating("plate", seen, Grade.BAD, advice)


def _at_least(
    name: str, value: float, limits: tuple[float, float], unit: str, advice: str
) -> Rating:
    return _graded(name, f"{value:.0f}", value, limits, operator.ge, advice, unit)


def _at_most(
    name: str, value: float, limits: tuple[float, float], unit: str, advice: str, digits: int = 0
) -> Rating:
    return _graded(name, f"{value:.{digits}f}", value, limits, operator.le, advice, unit)


def _graded(
    name: str,
    words: str,
    value: float,
    limits: tuple[float, float],
    passes: Callable[[float, float], bool],
    advice: str,
    unit: str,
) -> Rating:
    """Rate a value; `limits` are the floor and the good value."""
    floor, good = limits
    grade = Grade.FAIR if passes(value, floor) else Grade.BAD
    if passes(value, good):
        grade, advice = Grade.GOOD, ""
    number = value if math.isfinite(value) else None
    return Rating(name, f"{words} {unit}", grade, advice, number, limits, unit)
