# SPDX-License-Identifier: Apache-2.0
"""Tell from the trigger inputs when a vehicle has come and when it has left.

A vehicle triggers once; the lane is armed again when every trigger has been quiet for a while. A
sensor that never lets go (parked car, leaf, broken wire) is reported and left out until it changes.
"""

from __future__ import annotations

from dataclasses import replace

from plategate.lane.context import Turn
from plategate.lane.rules import Combine
from plategate.lane.state import LaneState
from plategate.lane.visit import give_up, start_visit
from plategate.messages import InputName, Level
from plategate.values import Reason


def advance_presence(turn: Turn) -> None:
    """Re-arm, or start a visit where a vehicle has come."""
    _watch_for_stuck_sensors(turn)
    _watch_for_clear(turn)
    state = turn.state
    if not state.armed or not _trigger_complete(turn):
        return
    if state.visit is not None and not give_up(turn, state.visit):
        return
    turn.change(armed=False)
    if not _is_leaving(turn):
        start_visit(turn, trigger="+".join(name.value for name in _active_triggers(turn)))


def vehicle_present(turn: Turn) -> bool:
    """Whether any trigger certainly sees something."""
    return bool(_active_triggers(turn))


def clear_for(turn: Turn, seconds: float) -> bool:
    """Whether every trigger has been quiet that long."""
    since = turn.state.clear_since_s
    return since is not None and turn.reached(since + seconds)


def trust_again(turn: Turn, name: InputName) -> None:
    """Take a stuck sensor back because it changed."""
    turn.change(distrusted=turn.state.distrusted - {name})
    turn.report("sensor_back", detail=name.value)


def _trusted(turn: Turn) -> tuple[InputName, ...]:
    return tuple(name for name in turn.rules.triggers if name not in turn.state.distrusted)


def _active_triggers(turn: Turn) -> tuple[InputName, ...]:
    return tuple(name for name in _trusted(turn) if turn.state.active(name))


def _trigger_complete(turn: Turn) -> bool:
    active = _active_triggers(turn)
    if turn.rules.combine is Combine.ANY:
        return bool(active)
    return bool(active) and active == _trusted(turn)


def _is_leaving(turn: Turn) -> bool:
    """Whether the vehicle comes from behind the arm, and so needs no reading."""
    state = turn.state
    if turn.rules.combine is Combine.IN_ORDER:
        since = [state.seen(name).since_s for name in _active_triggers(turn)]
        if since != sorted(since):
            return True
    return state.active(InputName.INNER_BEAM) or _freed_vehicle_under_way(state)


def _freed_vehicle_under_way(state: LaneState) -> bool:
    return any(
        opening.verdict.reason is Reason.FREE_EXIT and opening.vehicles
        for opening in state.openings
    )


def _watch_for_clear(turn: Turn) -> None:
    state = turn.state
    # An input that is not known may well hide a vehicle: only INACTIVE counts as quiet.
    clear = all(state.level(name) is Level.INACTIVE for name in _trusted(turn))
    if not clear:
        if state.clear_since_s is not None:
            turn.change(clear_since_s=None)
        return
    if state.clear_since_s is None:
        turn.change(clear_since_s=turn.now)
    if not turn.state.armed and clear_for(turn, turn.rules.rearm_s):
        visit = state.visit and replace(state.visit, left=True)
        turn.change(armed=True, visit=visit)


def _watch_for_stuck_sensors(turn: Turn) -> None:
    for name in _trusted(turn):
        seen = turn.state.seen(name)
        if seen.level is Level.INACTIVE or not turn.reached(
            seen.since_s + turn.rules.stuck_after_s
        ):
            continue
        turn.change(distrusted=turn.state.distrusted | {name})
        turn.report("sensor_stuck", detail=f"{name.value} {seen.level.value}")
