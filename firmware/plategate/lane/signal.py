# SPDX-License-Identifier: Apache-2.0
"""Choose what the lamps say; the most important thing wins.

A wanted vehicle is shown exactly what a refused one is.
"""

from __future__ import annotations

from plategate.lane.context import Turn
from plategate.messages import Mode, Show, Signal


def advance_signal(turn: Turn) -> None:
    """Ask for another signal where it differs from the one that is shown."""
    wanted = _choose(turn)
    if wanted != turn.state.shown:
        turn.change(shown=wanted)
        turn.ask(Show(*wanted))


def _choose(turn: Turn) -> tuple[Signal, int]:
    state = turn.state
    if state.fire:
        return Signal.FIRE, 0
    if state.fault is not None:
        return Signal.FAULT, state.fault.code.blinks
    return _passing(turn) or (_resting(turn), 0)


def _passing(turn: Turn) -> tuple[Signal, int] | None:
    state = turn.state
    if state.openings:
        return Signal.GRANTED, 0
    if state.visit is not None:
        return Signal.READING, 0
    if state.outcome is not None and not turn.reached(state.outcome.until_s):
        return state.outcome.signal, 0
    return None


def _resting(turn: Turn) -> Signal:
    state = turn.state
    if state.mode is Mode.OPEN:
        return Signal.HELD_OPEN
    if state.mode is Mode.LOCKED:
        return Signal.LOCKED
    if state.camera_lost:
        return Signal.NO_CAMERA
    return Signal.LIST_TOO_OLD if state.list_too_old else Signal.READY
