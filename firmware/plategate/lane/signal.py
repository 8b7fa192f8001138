# SPDX-License-Identifier: Apache-2.0
"""Choose the signal for lamps and buzzer by priority.

A wanted vehicle gets the same signal as a refused one.
"""

from __future__ import annotations

from plategate.lane.context import StepContext
from plategate.messages import Mode, Show, Signal


def advance_signal(ctx: StepContext) -> None:
    """Emit Show where the signal has changed."""
    wanted = _choose(ctx)
    if wanted != ctx.state.shown:
        ctx.change(shown=wanted)
        ctx.ask(Show(*wanted))


def _choose(ctx: StepContext) -> tuple[Signal, int]:
    state = ctx.state
    if state.fire:
        return Signal.FIRE, 0
    if state.fault is not None:
        return Signal.FAULT, state.fault.code.blinks
    return _busy_signal(ctx) or (_idle_signal(ctx), 0)


def _busy_signal(ctx: StepContext) -> tuple[Signal, int] | None:
    state = ctx.state
    if state.openings:
        return Signal.GRANTED, 0
    if state.visit is not None:
        return Signal.READING, 0
    if state.shown_result is not None and not ctx.reached(state.shown_result.until_s):
        return state.shown_result.signal, 0
    return None


def _idle_signal(ctx: StepContext) -> Signal:
    state = ctx.state
    if state.kept_open:
        return Signal.HELD_OPEN
    if state.mode is Mode.LOCKED:
        return Signal.LOCKED
    if state.camera_lost:
        return Signal.NO_CAMERA
    return Signal.LIST_TOO_OLD if state.list_too_old else Signal.READY
