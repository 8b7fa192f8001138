# SPDX-License-Identifier: Apache-2.0
"""Say in words what an aiming measurement means and what to change; pure.

Limits are those of the field: 130 pixels of plate width are the floor and 170 are good, 15 and 20
of character height, 15 and 25 grey levels of contrast, 20 and 30 degrees of tilt.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from plategate.aiming.measure import Measurement, Scene
from plategate.messages import Signal


class Grade(IntEnum):
    """How well something is; the worst one counts."""

    GOOD = 0
    FAIR = 1
    BAD = 2


SIGNALS = {Grade.GOOD: Signal.GRANTED, Grade.FAIR: Signal.UNSURE, Grade.BAD: Signal.REFUSED}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was measured: its value in words, how good it is, what to do about it."""

    name: str
    value: str
    grade: Grade
    advice: str = ""


WIDTH_PX = (130.0, 170.0)
CHARACTER_PX = (15.0, 20.0)
CONTRAST = (15.0, 25.0)
SATURATED = (0.30, 0.05)
# Edges this wide, as a share of the character's height; drawn characters merge beyond the first.
BLUR_OF_CHARACTER = (0.06, 0.05)
SMEAR = (3.0, 1.6)
ANGLE_DEG = (30.0, 20.0)
DARK_SCENE, WHITE_SCENE = 25.0, 0.3
# The narrowest edge that any lens and pixel raster shows.
SHARPEST_PX = 0.8


def judge(measured: Measurement | None, scene: Scene) -> tuple[Finding, ...]:
    """Everything that can be said about one still; never empty."""
    if measured is None:
        return (_no_plate(scene),)
    return tuple(_findings(measured))


def worst(findings: tuple[Finding, ...]) -> Grade:
    """The grade of the whole, which the lamps show."""
    return max(finding.grade for finding in findings)


def _findings(m: Measurement) -> Iterator[Finding]:
    yield _width(m)
    if m.character_height_px is not None:
        yield _at_least(
            "character height", m.character_height_px, CHARACTER_PX, "px",
            "go nearer, use a longer lens, or narrow camera.roi",
        )  # fmt: skip
    yield _at_least(
        "contrast", m.contrast, CONTRAST, "grey levels",
        "more light on the plate, a longer exposure, or less glare",
    )  # fmt: skip
    yield _at_most(
        "saturation", 100 * m.saturated, (100 * SATURATED[0], 100 * SATURATED[1]), "%",
        "the plate is blown out: shorten camera.*.exposure_us, then lower the gain",
    )  # fmt: skip
    yield from _sharpness(m)
    for name, degrees, advice in (
        ("tilt", m.tilt_deg, "turn the camera about its axis"),
        ("slant", m.slant_deg, "move the camera towards the middle of the lane"),
    ):
        yield _at_most(name, abs(degrees), ANGLE_DEG, "degrees", advice)


def _width(m: Measurement) -> Finding:
    factor = WIDTH_PX[1] / max(1.0, m.plate_width_px)
    return _at_least(
        "plate width", m.plate_width_px, WIDTH_PX, "px",
        f"{factor:.1f} times larger is good: go nearer, use a longer lens, or narrow camera.roi",
    )  # fmt: skip


def _sharpness(m: Measurement) -> Iterator[Finding]:
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
    finding = _at_most(
        "motion blur", m.smear, SMEAR, "times",
        f"smeared {which_way}: {shorter}, then add light",
        digits=1,
    )  # fmt: skip
    yield finding if smeared else Finding(finding.name, finding.value, Grade.GOOD)


def _no_plate(scene: Scene) -> Finding:
    seen = f"none; brightness {scene.brightness:.0f}, {100 * scene.white:.0f} % white"
    if scene.brightness < DARK_SCENE:
        advice = "the picture is dark: more light, a longer exposure, or a lens cap to remove"
    elif scene.white > WHITE_SCENE:
        advice = "the picture is white: shorten the exposure, or shade the lens"
    else:
        advice = (
            "put a vehicle, or a plate on a board, where it will stop, and turn the camera to it"
        )
    return Finding("plate", seen, Grade.BAD, advice)


def _at_least(
    name: str, value: float, limits: tuple[float, float], unit: str, advice: str
) -> Finding:
    return _graded(name, f"{value:.0f} {unit}", value, limits, operator.ge, advice)


def _at_most(
    name: str, value: float, limits: tuple[float, float], unit: str, advice: str, digits: int = 0
) -> Finding:
    return _graded(name, f"{value:.{digits}f} {unit}", value, limits, operator.le, advice)


def _graded(
    name: str,
    words: str,
    value: float,
    limits: tuple[float, float],
    passes: Callable[[float, float], bool],
    advice: str,
) -> Finding:
    """`limits`: what is just bearable, then what is good."""
    bearable, good = limits
    if passes(value, good):
        return Finding(name, words, Grade.GOOD)
    grade = Grade.FAIR if passes(value, bearable) else Grade.BAD
    return Finding(name, words, grade, advice)
