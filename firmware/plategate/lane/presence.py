# SPDX-License-Identifier: Apache-2.0
"""Detect from the trigger inputs when a vehicle has arrived and when it has left.

A vehicle triggers once; the lane is armed again when every trigger has been quiet for `rearm_s`. A
stuck sensor (parked car, leaf, broken wire) is reported and ignored until it changes.
"""

from __future__ import annotations

from dataclasses import replace

from plategate.lane.context import StepContext
from plategate.lane.openings import note_left
from plategate.lane.rules import Combine
from plategate.lane.state import LaneState
from plategate.lane.visit import close_left_visit, start_visit
from plategate.messages import InputName, Level
from plategate.values import Reason


def advance_presence(ctx: StepContext) -> None:
    """Re-arm the lane, or start a visit where a vehicle has arrived."""
    _distrust_stuck_sensors(ctx)
    _track_clear(ctx)
    state = ctx.state
    if not state.armed or not _trigger_complete(ctx):
        return
    if state.visit is not None and not close_left_visit(ctx, state.visit):
        return
    ctx.change(armed=False)
    if not _is_leaving(ctx):
        start_visit(ctx, trigger="+".join(name.value for name in _active_triggers(ctx)))


def vehicle_present(ctx: StepContext) -> bool:
    """Whether any trusted trigger is active."""
    return bool(_active_triggers(ctx))


def clear_for(ctx: StepContext, seconds: float) -> bool:
    """Whether every trigger has been quiet that long."""
    since = ctx.state.clear_since_s
    return since is not None and ctx.reached(since + seconds)


def trust_sensor(ctx: StepContext, name: InputName) -> None:
    """Use a stuck sensor again because it changed."""
    ctx.change(distrusted=ctx.state.distrusted - {name})
    ctx.report("sensor_back", detail=name.value)


def _trusted(ctx: StepContext) -> tuple[InputName, ...]:
    return tuple(name for name in ctx.rules.triggers if name not in ctx.state.distrusted)


def _active_triggers(ctx: StepContext) -> tuple[InputName, ...]:
    return tuple(name for name in _trusted(ctx) if ctx.state.active(name))


def _trigger_complete(ctx: StepContext) -> bool:
    active = _active_triggers(ctx)
    if ctx.rules.combine is Combine.ANY:
        return bool(active)
    return bool(active) and active == _trusted(ctx)


def _is_leaving(ctx: StepContext) -> bool:
    """Whether the vehicle comes from the inner side and therefore needs no reading."""
    state = ctx.state
    if ctx.rules.combine is Combine.IN_ORDER:
        since = [state.seen(name).since_s for name in _active_triggers(ctx)]
        if since != sorted(since):
            return True
    return state.active(InputName.INNER_BEAM) or _free_exit_in_progress(state)


def _free_exit_in_progress(state: LaneState) -> bool:
    return any(
        opening.verdict.reason is Reason.FREE_EXIT and opening.vehicles
        for opening in state.openings
    )


def _track_clear(ctx: StepContext) -> None:
    state = ctx.state
    # An unknown input may hide a vehicle: only INACTIVE counts as quiet.
    clear = all(state.level(name) is Level.INACTIVE for name in _trusted(ctx))
    if not clear:
        if state.clear_since_s is not None:
            ctx.change(clear_since_s=None)
        return
    if state.clear_since_s is None:
        ctx.change(clear_since_s=ctx.now)
    if not ctx.state.armed and clear_for(ctx, ctx.rules.rearm_s):
        visit = state.visit and replace(state.visit, left=state.visit.at_trigger)
        ctx.change(armed=True, visit=visit)
        note_left(ctx)


def _distrust_stuck_sensors(ctx: StepContext) -> None:
    for name in _trusted(ctx):
        seen = ctx.state.seen(name)
        if seen.level is Level.INACTIVE or not ctx.reached(seen.since_s + ctx.rules.stuck_after_s):
            continue
        ctx.change(distrusted=ctx.state.distrusted | {name})
        ctx.report("sensor_stuck", detail=f"{name.value} {seen.level.value}")
