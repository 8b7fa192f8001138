# SPDX-License-Identifier: Apache-2.0
"""One event in; the next state, the commands in their order, and the next deadline out.

Pure: no clock, no pins, no log. `gate` calls it from one thread with every event, and with
TimePassed once the deadline has come.
"""

from __future__ import annotations

from typing import assert_never

from plategate.lane.arm import advance_arm
from plategate.lane.context import Turn
from plategate.lane.faults import drive_failed, reset
from plategate.lane.openings import advance_openings, count_vehicle, override
from plategate.lane.presence import advance_presence, trust_again, vehicle_present
from plategate.lane.rules import LaneRules
from plategate.lane.signal import advance_signal
from plategate.lane.state import LaneState, Seen
from plategate.lane.supervision import advance_supervision
from plategate.lane.visit import (
    advance_visit,
    grant_not_written,
    grant_written,
    plate_read,
    reading_failed,
    start_visit,
    verdict_reached,
)
from plategate.messages import (
    CameraLost,
    CameraReturned,
    Command,
    DriveFailed,
    Event,
    GrantNotWritten,
    GrantWritten,
    InputChanged,
    InputName,
    Level,
    ListAged,
    ModeChanged,
    OpenRequested,
    PlateRead,
    ReadingFailed,
    ResetRequested,
    TimePassed,
    TriggerRequested,
    VerdictReached,
)
from plategate.values import Reason

# One change may lead to another (through -> lower -> rest); more rounds than this would be a loop.
MOST_ROUNDS = 12

AboutVisit = PlateRead | ReadingFailed | VerdictReached | GrantWritten | GrantNotWritten
AboutParts = CameraLost | CameraReturned | ListAged | DriveFailed


def step(
    state: LaneState, event: Event, now: float, rules: LaneRules
) -> tuple[LaneState, tuple[Command, ...], float | None]:
    """Take one event at `now` (monotonic seconds); the deadline is later than `now`, or None."""
    turn = Turn(state, rules, now)
    _take(turn, event)
    for _ in range(MOST_ROUNDS):
        before = turn.state
        turn.moments.clear()
        _advance(turn)
        if turn.state is before:
            break
    return turn.state, tuple(turn.commands), min(turn.moments, default=None)


def _advance(turn: Turn) -> None:
    advance_presence(turn)
    advance_visit(turn, vehicle_present(turn))
    advance_openings(turn)
    advance_supervision(turn)
    advance_arm(turn)
    advance_signal(turn)


def _take(turn: Turn, event: Event) -> None:
    match event:
        case InputChanged(name, level):
            _input_changed(turn, name, level)
        case PlateRead() | ReadingFailed() | VerdictReached() | GrantWritten() | GrantNotWritten():
            _about_visit(turn, event)
        case TriggerRequested(source):
            if turn.state.visit is None:
                start_visit(turn, source)
        case OpenRequested(source):
            override(turn, Reason.MANUAL, source)
        case ModeChanged(mode):
            if mode is not turn.state.mode:
                turn.change(mode=mode)
                turn.report("mode", detail=mode.value)
        case ResetRequested(source):
            reset(turn, source)
        case TimePassed():
            pass
        case CameraLost() | CameraReturned() | ListAged() | DriveFailed():
            _part_changed(turn, event)
        case _:
            assert_never(event)


def _part_changed(turn: Turn, event: AboutParts) -> None:
    """Take note of a part of the gate that failed or came back; said once each time."""
    match event:
        case CameraLost(reason):
            if not turn.state.camera_lost:
                turn.change(camera_lost=True)
                turn.report("camera_lost", detail=reason)
        case CameraReturned():
            if turn.state.camera_lost:
                turn.change(camera_lost=False)
                turn.report("camera_back")
        case ListAged(too_old):
            turn.change(list_too_old=too_old)
        case DriveFailed(reason):
            drive_failed(turn, reason)
        case _:
            assert_never(event)


def _about_visit(turn: Turn, event: AboutVisit) -> None:
    visit = turn.state.visit
    if visit is None or visit.passage_id != event.passage_id:
        return  # it belongs to a visit that is over, and came too late
    match event:
        case PlateRead(_, sighting):
            plate_read(turn, visit, sighting)
        case ReadingFailed(_, reason):
            reading_failed(turn, visit, reason)
        case VerdictReached(_, verdict):
            verdict_reached(turn, visit, verdict)
        case GrantWritten():
            grant_written(turn, visit)
        case GrantNotWritten():
            grant_not_written(turn, visit)
        case _:
            assert_never(event)


def _input_changed(turn: Turn, name: InputName, level: Level) -> None:
    before = turn.state.seen(name)
    if name not in turn.rules.wired or before.level is level:
        return
    turn.change(inputs={**turn.state.inputs, name: Seen(level, turn.now)})
    if name in turn.state.distrusted:
        trust_again(turn, name)
    if level is not Level.ACTIVE:
        return
    if name is turn.rules.counter:
        count_vehicle(turn, before)
    if name is InputName.FIRE:
        turn.change(fire=True)
        turn.report("fire")
    elif before.level is Level.INACTIVE:
        _pressed(turn, name)


def _pressed(turn: Turn, name: InputName) -> None:
    """A button went from quiet to pressed; one that was never known to be quiet does nothing."""
    if name is InputName.MANUAL:
        override(turn, Reason.MANUAL, name.value)
    elif name is InputName.FREE_EXIT:
        override(turn, Reason.FREE_EXIT, name.value)
    elif name is InputName.RESET:
        reset(turn, name.value)
