# SPDX-License-Identifier: Apache-2.0
"""Let vehicles through: grants and overrides while the arm is up for them, and counting them.

Every opening has a verdict or a named override behind it and ends in exactly one record. Whoever
drives through beyond the openings is reported as a tailgater.
"""

from __future__ import annotations

from dataclasses import replace

from plategate.lane.context import Turn
from plategate.lane.state import ArmStage, Opening, Outcome, Seen
from plategate.messages import InputName, Level, Mode, Record, Signal, WriteGrant
from plategate.values import Reason, Result, Verdict


def add_opening(turn: Turn, opening: Opening) -> None:
    """Have the arm go up for one passage."""
    turn.change(openings=(*turn.state.openings, opening))


def override(turn: Turn, reason: Reason, trigger: str) -> None:
    """Open for a person who pressed a button or drives out; needs no camera, model or list.

    The grant is written before the arm moves, but a failing journal does not keep people in.
    """
    opening = Opening(
        passage_id=turn.next_passage_id(),
        trigger=trigger,
        triggered_s=turn.now,
        since_s=turn.now,
        verdict=Verdict(Result.GRANTED, reason),
    )
    refusal = _refusal(turn, reason)
    if refusal is not None:
        _record(turn, replace(opening, verdict=Verdict(Result.REFUSED, refusal)), "not moved")
        return
    if turn.state.arm.held and turn.state.arm.because in (Reason.FIRE, Reason.HELD_OPEN):
        _record(turn, opening, "held open")
        return
    for earlier in turn.state.openings:
        if earlier.verdict.reason is reason and not earlier.vehicles:
            _close(turn, earlier, "asked for again")
    turn.ask(WriteGrant(opening.passage_id, opening.verdict))
    add_opening(turn, opening)


def _refusal(turn: Turn, reason: Reason) -> Reason | None:
    state = turn.state
    if state.drive_failed or (state.fault is not None and not state.fire):
        return Reason.FAULT
    if state.mode is not Mode.LOCKED:
        return None
    rules = turn.rules
    free = rules.free_exit_when_locked if reason is Reason.FREE_EXIT else rules.manual_when_locked
    return None if free else Reason.LOCKED


def count_vehicle(turn: Turn, before: Seen) -> None:
    """Count a vehicle that just came under the arm; a trailer's gap does not make it two."""
    if before.level is not Level.INACTIVE:
        return
    if turn.now - before.since_s < turn.rules.vehicle_gap_s:
        return
    state = turn.state
    if state.arm.stage is ArmStage.RESTING:
        return
    waiting = next((o for o in state.openings if o.raised and not o.vehicles), None)
    if waiting is not None:
        _replace(turn, waiting, replace(waiting, vehicles=1))
        return
    if state.fire or state.mode is Mode.OPEN:
        return
    turn.report("tailgated", state.arm.passage_id)
    if state.openings:
        last = state.openings[-1]
        _replace(turn, last, replace(last, vehicles=last.vehicles + 1))


def advance_openings(turn: Turn) -> None:
    """Finish what is through, and what nobody came for."""
    for opening in turn.state.openings:
        if opening.raised and _through(turn, opening):
            _close(turn, opening, "opened")
        elif turn.reached(opening.since_s + turn.rules.pass_within_s):
            _close(turn, opening, _how_far(opening))


def _how_far(opening: Opening) -> str:
    return "opened, still under the arm" if opening.vehicles else "opened, nobody drove through"


def close_all(turn: Turn, barrier: str, only_raised: bool = False) -> None:
    """End every opening with one sentence on what the barrier did."""
    for opening in turn.state.openings:
        if opening.raised or not only_raised:
            _close(turn, opening, barrier)


def _through(turn: Turn, opening: Opening) -> bool:
    counter = turn.rules.counter
    if counter is None:
        return _driven_away(turn, opening)
    seen = turn.state.seen(counter)
    if not opening.vehicles or seen.level is not Level.INACTIVE:
        return False
    return turn.reached(seen.since_s + turn.rules.vehicle_gap_s)


def _driven_away(turn: Turn, opening: Opening) -> bool:
    """Without anything that counts: the triggers have been quiet for as long as a car needs."""
    quiet = turn.state.clear_since_s
    exit_loop = turn.state.seen(InputName.FREE_EXIT)
    if quiet is None or exit_loop.level is Level.ACTIVE:
        return False
    return turn.reached(max(quiet, opening.since_s, exit_loop.since_s) + turn.rules.open_for_s)


def _replace(turn: Turn, old: Opening, new: Opening) -> None:
    turn.change(openings=tuple(new if o is old else o for o in turn.state.openings))


def _close(turn: Turn, opening: Opening, barrier: str) -> None:
    turn.change(
        openings=tuple(o for o in turn.state.openings if o.passage_id != opening.passage_id)
    )
    _record(turn, opening, barrier)


def _record(turn: Turn, opening: Opening, barrier: str) -> None:
    granted = opening.verdict.result is Result.GRANTED
    signal = Signal.GRANTED if granted else Signal.REFUSED
    if not granted:
        turn.change(outcome=Outcome(signal, turn.now + turn.rules.show_result_s))
    turn.ask(
        Record(
            passage_id=opening.passage_id,
            trigger=opening.trigger,
            triggered_s=opening.triggered_s,
            verdict=opening.verdict,
            sighting=opening.sighting,
            barrier=barrier,
            vehicles=opening.vehicles,
            milestones=opening.milestones,
            repeat_of=opening.repeat_of,
        )
    )
