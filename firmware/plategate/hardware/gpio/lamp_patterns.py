# SPDX-License-Identifier: Apache-2.0
"""What the lamps and the buzzer say: one rhythm for every signal; pure, printed on docs/lamps.md.

The rhythm alone tells signals apart, so a single lamp says everything; colours make it easier. A
wanted vehicle is shown REFUSED by the lane, there is nothing to tell it by here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from plategate.messages import Signal


class Colour(StrEnum):
    """What colour lamps show; a single lamp is lit for every one of them."""

    RED = "red"
    GREEN = "green"
    YELLOW = "yellow"  # red and green together
    BLUE = "blue"  # green where there is no blue lamp


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Seconds lit and dark by turns, beginning lit, over and over; no steps: lit all the time."""

    colour: Colour
    steps_s: tuple[float, ...] = ()
    beeps: int = 0

    @property
    def period_s(self) -> float:
        """Seconds until it begins again; 0 when it is lit all the time."""
        return sum(self.steps_s)


SHORT_S, LONG_S, GAP_S, PAUSE_S = 0.25, 1.0, 0.25, 1.5

RHYTHMS = {
    Signal.STARTING: Rhythm(Colour.BLUE, (0.9, 0.1)),
    Signal.READY: Rhythm(Colour.GREEN, (0.1, 2.9)),
    Signal.READING: Rhythm(Colour.YELLOW, (0.1, 0.1)),
    Signal.GRANTED: Rhythm(Colour.GREEN, beeps=1),
    Signal.REFUSED: Rhythm(Colour.RED, (1.0, 1.0), beeps=2),
    Signal.UNSURE: Rhythm(Colour.YELLOW, (0.4, 0.4), beeps=3),
    Signal.LOCKED: Rhythm(Colour.RED, (0.1, 0.3, 0.1, 2.5)),
    Signal.HELD_OPEN: Rhythm(Colour.GREEN, (2.7, 0.3)),
    Signal.NO_CAMERA: Rhythm(Colour.RED, (LONG_S, GAP_S, SHORT_S, PAUSE_S)),
    Signal.LIST_TOO_OLD: Rhythm(Colour.RED, (LONG_S, GAP_S, SHORT_S, GAP_S, SHORT_S, PAUSE_S)),
    Signal.FIRE: Rhythm(Colour.BLUE, (0.05, 0.05)),
}


def rhythm_of(signal: Signal, blinks: int = 0) -> Rhythm:
    """The rhythm of a signal; `blinks` is the count of a fault code."""
    if signal is Signal.FAULT:
        count = max(1, blinks)
        return Rhythm(Colour.RED, (SHORT_S, GAP_S) * (count - 1) + (SHORT_S, PAUSE_S))
    return RHYTHMS[signal]


BEEP_S = 0.12


@dataclass(frozen=True, slots=True)
class Shown:
    """What is on at one moment, and in how many seconds that changes (None: never)."""

    lit: bool
    beep: bool
    for_s: float | None


def at(rhythm: Rhythm, since_s: float, *, beeps: bool = True) -> Shown:
    """What a rhythm shows `since_s` after it began."""
    lit, lit_for_s = _lit(rhythm, since_s)
    beep, beep_for_s = _beep(rhythm.beeps if beeps else 0, since_s)
    waits = [wait_s for wait_s in (lit_for_s, beep_for_s) if wait_s is not None]
    return Shown(lit, beep, min(waits, default=None))


def _lit(rhythm: Rhythm, since_s: float) -> tuple[bool, float | None]:
    if not rhythm.steps_s:
        return True, None
    left_s = since_s % rhythm.period_s
    for number, step_s in enumerate(rhythm.steps_s):
        if left_s < step_s:
            return number % 2 == 0, step_s - left_s
        left_s -= step_s
    return True, rhythm.steps_s[0]


def _beep(count: int, since_s: float) -> tuple[bool, float | None]:
    half_beeps = int(since_s / BEEP_S)
    if half_beeps >= 2 * count - 1:
        return False, None
    return half_beeps % 2 == 0, (half_beeps + 1) * BEEP_S - since_s
