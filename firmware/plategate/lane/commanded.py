# SPDX-License-Identifier: Apache-2.0
"""Commands of people and programs: each is followed or refused at once, and answered.

A command gets no more than a button: safety inputs, fire and a latched fault outrank it.
"""

from __future__ import annotations

from typing import assert_never

from plategate.lane.arm import blocking_inputs
from plategate.lane.context import StepContext
from plategate.lane.openings import close_all, override, override_refusal
from plategate.lane.presence import vehicle_present
from plategate.lane.rules import Style
from plategate.lane.state import ArmStage
from plategate.lane.supervision import reset
from plategate.lane.visit import start_visit
from plategate.messages import (
    AnswerCommand,
    CommandName,
    CommandRequested,
    Mode,
    Refusal,
)
from plategate.values import Reason

_REFUSALS = {Reason.FAULT: Refusal.FAULT, Reason.LOCKED: Refusal.LOCKED}


def command_requested(ctx: StepContext, asked: CommandRequested) -> None:
    """Follow the command or refuse it, and answer."""
    passage_id, refusal = None, _refusal(ctx, asked)
    if refusal is None:
        passage_id, refusal = _follow(ctx, asked)
    ctx.ask(AnswerCommand(asked.request_id, refusal, passage_id))


def set_mode(ctx: StepContext, **modes: Mode | None) -> None:
    """Change `scheduled_mode` or `commanded_mode`; a change of the mode in force is reported."""
    before = ctx.state.mode
    ctx.change(**modes)
    if ctx.state.mode is not before:
        ctx.report("mode", detail=ctx.state.mode.value)


def _follow(ctx: StepContext, asked: CommandRequested) -> tuple[str | None, Refusal | None]:
    """Passage that was begun, if any, and why it was refused, if it was."""
    match asked.command:
        case CommandName.OPEN:
            passage_id, reason = override(ctx, Reason.MANUAL, asked.source)
            return passage_id, None if reason is None else _REFUSALS[reason]
        case CommandName.TRIGGER:
            start_visit(ctx, asked.source)
            visit = ctx.state.visit
            return None if visit is None else visit.passage_id, None
        case CommandName.CLOSE:
            close_all(ctx, "closed by command")
        case CommandName.HOLD:
            ctx.change(hold_commanded=True)
        case CommandName.RELEASE:
            ctx.change(hold_commanded=False)
        case CommandName.RESET:
            reset(ctx, asked.source)
        case CommandName.MODE:
            set_mode(ctx, commanded_mode=asked.mode)
        case _:
            assert_never(asked.command)
    return None, None


def _refusal(ctx: StepContext, asked: CommandRequested) -> Refusal | None:
    """Why the command cannot be followed now; OPEN may also be refused by its override."""
    if ctx.now >= asked.until_s:
        return Refusal.EXPIRED
    state, refusal = ctx.state, None
    match asked.command:
        case CommandName.OPEN if asked.only_for_vehicle and not vehicle_present(ctx):
            refusal = Refusal.NO_VEHICLE
        case CommandName.TRIGGER if state.visit is not None:
            refusal = Refusal.BUSY
        case CommandName.CLOSE:
            refusal = _close_refusal(ctx)
        case CommandName.HOLD:
            reason = override_refusal(ctx, Reason.MANUAL)
            refusal = None if reason is None else _REFUSALS[reason]
        case CommandName.RELEASE if not state.hold_commanded:
            refusal = Refusal.NOT_HELD
        case CommandName.RESET if state.fault is None and not state.fire:
            refusal = Refusal.NO_FAULT
    return refusal


def _close_refusal(ctx: StepContext) -> Refusal | None:
    state = ctx.state
    if state.fire or state.kept_open:
        return Refusal.HELD
    if state.fault is not None or state.drive_failed:
        return Refusal.FAULT
    if state.arm.stage is ArmStage.RESTING and not state.openings:
        return Refusal.DOWN
    if blocking_inputs(ctx) or any(opening.vehicles for opening in state.openings):
        return Refusal.BLOCKED
    by_itself = ctx.rules.style is Style.PULSE and not state.arm.held
    return Refusal.CLOSES_ITSELF if by_itself and state.arm.stage is not ArmStage.RESTING else None
