# SPDX-License-Identifier: Apache-2.0
"""The transition function: one event in; next state, commands in order and next deadline out.

Pure: no clock, no pins, no log. The gate calls it from one thread with every event, and with
TimePassed when the deadline has come.
"""

from __future__ import annotations

from typing import assert_never

from plategate.lane.arm import advance_arm
from plategate.lane.commanded import command_requested, set_mode
from plategate.lane.context import StepContext
from plategate.lane.openings import advance_openings, count_vehicle, override
from plategate.lane.presence import advance_presence, trust_sensor, vehicle_present
from plategate.lane.rules import LaneRules
from plategate.lane.signal import advance_signal
from plategate.lane.state import InputState, LaneState
from plategate.lane.supervision import advance_supervision, drive_failed, reset
from plategate.lane.visit import (
    advance_visit,
    grant_not_written,
    grant_written,
    plate_read,
    reading_failed,
    verdict_reached,
)
from plategate.messages import (
    CameraLost,
    CameraReturned,
    Command,
    CommandRequested,
    ConditionChanged,
    DriveFailed,
    Event,
    GrantNotWritten,
    GrantWritten,
    InputChanged,
    InputName,
    Level,
    ListAged,
    ModeChanged,
    PlateRead,
    ReadingFailed,
    TimePassed,
    VerdictReached,
)
from plategate.values import Reason

# One change may cause another (vehicle through -> lower -> at rest); more rounds would be a loop.
MOST_ROUNDS = 12

VisitEvent = PlateRead | ReadingFailed | VerdictReached | GrantWritten | GrantNotWritten
ComponentEvent = CameraLost | CameraReturned | ListAged | ConditionChanged | DriveFailed


def step(
    state: LaneState, event: Event, now: float, rules: LaneRules
) -> tuple[LaneState, tuple[Command, ...], float | None]:
    """Process one event at `now` (monotonic seconds); the deadline is after `now`, or None."""
    ctx = StepContext(state, rules, now)
    _apply(ctx, event)
    for _ in range(MOST_ROUNDS):
        before = ctx.state
        ctx.deadlines.clear()
        _advance(ctx)
        if ctx.state is before:
            break
    return ctx.state, tuple(ctx.commands), min(ctx.deadlines, default=None)


def _advance(ctx: StepContext) -> None:
    advance_presence(ctx)
    advance_visit(ctx, vehicle_present(ctx))
    advance_openings(ctx)
    advance_supervision(ctx)
    advance_arm(ctx)
    advance_signal(ctx)


def _apply(ctx: StepContext, event: Event) -> None:
    match event:
        case InputChanged(name, level):
            _input_changed(ctx, name, level)
        case PlateRead() | ReadingFailed() | VerdictReached() | GrantWritten() | GrantNotWritten():
            _visit_event(ctx, event)
        case ModeChanged(mode):
            set_mode(ctx, scheduled_mode=mode)
        case CommandRequested():
            command_requested(ctx, event)
        case TimePassed():
            pass
        case CameraLost() | CameraReturned() | ListAged() | ConditionChanged() | DriveFailed():
            _component_changed(ctx, event)
        case _:
            assert_never(event)


def _component_changed(ctx: StepContext, event: ComponentEvent) -> None:
    """Note that a component failed or recovered; each change is reported once."""
    match event:
        case CameraLost(reason):
            if not ctx.state.camera_lost:
                ctx.change(camera_lost=True)
                ctx.report("camera_lost", detail=reason)
        case CameraReturned():
            if ctx.state.camera_lost:
                ctx.change(camera_lost=False)
                ctx.report("camera_back")
        case ListAged(too_old):
            ctx.change(list_too_old=too_old)
        case ConditionChanged(what, detail):
            ctx.report(what, detail=detail)
        case DriveFailed(reason):
            drive_failed(ctx, reason)
        case _:
            assert_never(event)


def _visit_event(ctx: StepContext, event: VisitEvent) -> None:
    visit = ctx.state.visit
    if visit is None or (visit.passage_id, visit.attempts) != (event.passage_id, event.attempt):
        return  # a late answer for a visit that is over, or for an earlier attempt
    match event:
        case PlateRead(_, _, sighting):
            plate_read(ctx, visit, sighting)
        case ReadingFailed(_, _, reason):
            reading_failed(ctx, visit, reason)
        case VerdictReached(_, _, verdict):
            verdict_reached(ctx, visit, verdict)
        case GrantWritten():
            grant_written(ctx, visit)
        case GrantNotWritten():
            grant_not_written(ctx, visit)
        case _:
            assert_never(event)


def _input_changed(ctx: StepContext, name: InputName, level: Level) -> None:
    before = ctx.state.seen(name)
    if name not in ctx.rules.wired or before.level is level:
        return
    ctx.change(inputs={**ctx.state.inputs, name: InputState(level, ctx.now)})
    if name in ctx.state.distrusted:
        trust_sensor(ctx, name)
    if level is not Level.ACTIVE:
        return
    if name is ctx.rules.counter:
        count_vehicle(ctx, before)
    if name is InputName.FIRE:
        ctx.change(fire=True)
        ctx.report("fire")
    elif before.level is Level.INACTIVE:
        _button_pressed(ctx, name)


def _button_pressed(ctx: StepContext, name: InputName) -> None:
    """Act on a button that went from inactive to active; from unknown to active does nothing."""
    if name is InputName.MANUAL:
        override(ctx, Reason.MANUAL, name.value)
    elif name is InputName.FREE_EXIT:
        override(ctx, Reason.FREE_EXIT, name.value)
    elif name is InputName.RESET:
        reset(ctx, name.value)
