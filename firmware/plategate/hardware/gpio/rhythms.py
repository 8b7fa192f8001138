# SPDX-License-Identifier: Apache-2.0
"""The rhythms of lamp and buzzer: every signal has one of its own, and so has the one-time code.

A single lamp can show them all; docs/owner/lamps.md is the printed key.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from plategate.messages import Signal


class Colour(StrEnum):
    """The colour of a signal; a single lamp is lit for each of them."""

    RED = "red"
    GREEN = "green"
    YELLOW = "yellow"  # red and green together
    BLUE = "blue"  # green where there is no blue lamp


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Alternating seconds lit and dark, starting lit, repeated; no steps: lit continuously."""

    colour: Colour
    steps_s: tuple[float, ...] = ()
    beeps: int = 0

    @property
    def period_s(self) -> float:
        """Seconds until the rhythm repeats; 0 if it is lit continuously."""
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
    """The rhythm of a signal; `blinks` is the blink count of a fault code."""
    if signal is Signal.FAULT:
        count = max(1, blinks)
        return Rhythm(Colour.RED, (SHORT_S, GAP_S) * (count - 1) + (SHORT_S, PAUSE_S))
    return RHYTHMS[signal]


# The one-time code: long, then each digit as blinks that can be counted, 0 as ten.
CODE_START_S, CODE_START_GAP_S = 3.0, 1.5
CODE_BLINK_S, CODE_GAP_S, CODE_PAUSE_S, CODE_END_S = 0.3, 0.4, 2.0, 4.0


def code_rhythm(digits: str) -> Rhythm:
    """The rhythm that blinks a code again and again."""
    steps = [CODE_START_S, CODE_START_GAP_S]
    for digit in digits:
        steps += [CODE_BLINK_S, CODE_GAP_S] * (int(digit) or 10)
        steps[-1] = CODE_PAUSE_S
    steps[-1] = CODE_END_S
    return Rhythm(Colour.BLUE, tuple(steps))


BEEP_S = 0.12


@dataclass(frozen=True, slots=True)
class LampState:
    """State of lamp and buzzer at one moment, valid for `for_s` seconds (None: for ever)."""

    lit: bool
    beep: bool
    for_s: float | None


def output_at(rhythm: Rhythm, since_s: float, *, beeps: bool = True) -> LampState:
    """State of lamp and buzzer `since_s` after the rhythm began."""
    lit, lit_for_s = _lit(rhythm, since_s)
    beep, beep_for_s = _beep(rhythm.beeps if beeps else 0, since_s)
    waits = [wait_s for wait_s in (lit_for_s, beep_for_s) if wait_s is not None]
    return LampState(lit, beep, min(waits, default=None))


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
