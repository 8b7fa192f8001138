# SPDX-License-Identifier: Apache-2.0
"""Lead one vehicle from its trigger to a grant or a refusal: stills, reading, verdict, grant.

A vehicle that stands is read again a bounded number of times and is still one passage. Nothing here
moves the arm: a grant that is safely written becomes an opening.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from plategate.lane.context import Turn
from plategate.lane.openings import add_opening
from plategate.lane.remembering import alarm_is_new, remember, remembered_visit
from plategate.lane.state import Opening, Outcome, Visit, VisitStage
from plategate.messages import Judge, Mode, Record, Signal, TakeStills, WriteGrant
from plategate.values import PlateSighting, Reason, Result, Verdict

# Reading the same vehicle again cannot change these.
FINAL = frozenset(
    {
        Reason.BLOCKED,
        Reason.WANTED,
        Reason.WANTED_POSSIBLE,
        Reason.NOT_YET_VALID,
        Reason.EXPIRED,
        Reason.OUTSIDE_HOURS,
        Reason.ENTRIES_USED_UP,
        Reason.CLOCK_UNTRUSTED,
        Reason.LIST_TOO_OLD,
        Reason.NO_LIST,
        Reason.ALREADY_INSIDE,
        Reason.LOCKED,
        Reason.HELD_OPEN,
        Reason.FIRE,
        Reason.FAULT,
    }
)


def start_visit(turn: Turn, trigger: str) -> None:
    """Begin with a vehicle that has come."""
    visit = Visit(
        passage_id=turn.next_passage_id(),
        trigger=trigger,
        triggered_s=turn.now,
        stage=VisitStage.READING,
        since_s=turn.now,
    )
    turn.change(visit=visit, outcome=None)
    turn.ask(TakeStills(visit.passage_id, turn.rules.stills, turn.now))


def give_up(turn: Turn, visit: Visit) -> bool:
    """Record a vehicle that left before it was judged, since another one has come.

    Whoever comes must not be let in on its plate. False where the visit goes on: its vehicle has
    not left, or its grant is being written and cannot be recalled.
    """
    if not visit.left or visit.stage is VisitStage.WRITING:
        return False
    verdict = _better(visit.verdict, Verdict(Result.UNSURE, Reason.VEHICLE_LEFT))
    _finish(turn, replace(visit, verdict=verdict))
    return True


def plate_read(turn: Turn, visit: Visit, sighting: PlateSighting) -> None:
    """Have a reading judged; no reading is a verdict of its own."""
    if visit.stage is not VisitStage.READING:
        return
    visit = _keep_sighting(visit, sighting)
    if sighting.failed is not None:
        _weigh(turn, visit, Verdict(Result.UNSURE, Reason.PIPELINE_FAILED))
    elif sighting.reading is None:
        reason = Reason.NOTHING_SEEN if sighting.plate is None else Reason.NOT_READABLE
        _weigh(turn, visit, Verdict(Result.UNSURE, reason))
    else:
        _enter(turn, visit, VisitStage.JUDGING, milestone="read")
        turn.ask(Judge(visit.passage_id, sighting.reading))


def reading_failed(turn: Turn, visit: Visit, reason: Reason) -> None:
    """Go on without a sighting."""
    if visit.stage in (VisitStage.READING, VisitStage.JUDGING):
        _weigh(turn, visit, Verdict(Result.UNSURE, reason))


def verdict_reached(turn: Turn, visit: Visit, verdict: Verdict) -> None:
    """Raise the alarm where there is one, then act on the verdict."""
    if visit.stage is not VisitStage.JUDGING:
        return
    if verdict.alarm is not None and alarm_is_new(turn, verdict):
        turn.report("alarm", visit.passage_id, f"{verdict.reason.value}: {verdict.alarm}")
    visit = replace(visit, milestones=(*visit.milestones, ("judged", turn.now)))
    _weigh(turn, visit, _as_things_stand(turn, verdict))


def grant_written(turn: Turn, visit: Visit) -> None:
    """Turn the visit into an opening, now that the journal has the grant."""
    if visit.stage is not VisitStage.WRITING or visit.verdict is None:
        return
    verdict = _as_things_stand(turn, visit.verdict)
    if verdict.result is not Result.GRANTED or verdict.reason in (Reason.FIRE, Reason.HELD_OPEN):
        _finish(turn, replace(visit, verdict=verdict))
        return
    earlier = remembered_visit(turn, verdict.plate)
    remember(turn, verdict, visit.passage_id)
    turn.change(visit=None)
    add_opening(
        turn,
        Opening(
            passage_id=visit.passage_id,
            trigger=visit.trigger,
            triggered_s=visit.triggered_s,
            since_s=turn.now,
            verdict=verdict,
            sighting=visit.sighting,
            milestones=(*visit.milestones, ("written", turn.now)),
            repeat_of=earlier,
        ),
    )


def grant_not_written(turn: Turn, visit: Visit) -> None:
    """Stay shut: what is not written must not open."""
    if visit.stage is VisitStage.WRITING:
        _weigh(turn, visit, Verdict(Result.UNSURE, Reason.STORE_FAILED))


def advance_visit(turn: Turn, present: bool) -> None:
    """Bound every wait, and read a standing vehicle again."""
    visit = turn.state.visit
    if visit is None:
        return
    rules = turn.rules
    if visit.stage is VisitStage.READING:
        if turn.reached(visit.since_s + rules.read_within_s):
            _weigh(turn, visit, Verdict(Result.UNSURE, Reason.PIPELINE_FAILED))
    elif visit.stage is VisitStage.JUDGING:
        if turn.reached(visit.since_s + rules.judge_within_s):
            _weigh(turn, visit, Verdict(Result.UNSURE, Reason.STORE_FAILED))
    elif visit.stage is VisitStage.WRITING:
        if turn.reached(visit.since_s + rules.write_within_s):
            grant_not_written(turn, visit)
    elif not present:
        _finish(turn, visit)
    elif turn.reached(visit.since_s + rules.retry_after_s):
        again = replace(visit, attempts=visit.attempts + 1)
        _enter(turn, again, VisitStage.READING)
        turn.ask(TakeStills(visit.passage_id, rules.stills, turn.now))


def _as_things_stand(turn: Turn, verdict: Verdict) -> Verdict:
    """What becomes of a verdict in the present mode: only the reason for opening may change."""
    state = turn.state
    if state.fire:
        return replace(verdict, result=Result.GRANTED, reason=Reason.FIRE)
    if verdict.result is Result.GRANTED and state.fault is not None:
        return replace(verdict, result=Result.REFUSED, reason=Reason.FAULT)
    if state.mode is Mode.OPEN and state.arm.held:
        return replace(verdict, result=Result.GRANTED, reason=Reason.HELD_OPEN)
    if verdict.result is Result.GRANTED and state.mode is Mode.LOCKED:
        return replace(verdict, result=Result.REFUSED, reason=Reason.LOCKED)
    return verdict


def _weigh(turn: Turn, visit: Visit, verdict: Verdict) -> None:
    """Grant, try again, or give up."""
    verdict = _better(visit.verdict, verdict)
    visit = replace(visit, verdict=verdict)
    if verdict.result is Result.GRANTED and verdict.reason not in FINAL:
        _enter(turn, visit, VisitStage.WRITING)
        repeat_of = remembered_visit(turn, verdict.plate)
        turn.ask(WriteGrant(visit.passage_id, verdict, repeat_of))
    elif verdict.reason in FINAL or visit.attempts >= turn.rules.attempts:
        _finish(turn, visit)
    else:
        _enter(turn, visit, VisitStage.WAITING)


def _better(before: Verdict | None, now: Verdict) -> Verdict:
    """A verdict on a plate outweighs one without; otherwise the latest counts."""
    if before is None or now.plate is not None or now.result is Result.GRANTED:
        return now
    if before.result is Result.GRANTED:
        return now
    return before if before.plate is not None else now


def _keep_sighting(visit: Visit, sighting: PlateSighting) -> Visit:
    before = visit.sighting
    worse = sighting.reading is None and before is not None and before.reading is not None
    return visit if worse else replace(visit, sighting=sighting)


def _enter(turn: Turn, visit: Visit, stage: VisitStage, milestone: str | None = None) -> None:
    changes: dict[str, Any] = {"stage": stage, "since_s": turn.now}
    if milestone is not None:
        changes["milestones"] = (*visit.milestones, (milestone, turn.now))
    turn.change(visit=replace(visit, **changes))


def _finish(turn: Turn, visit: Visit) -> None:
    """Record a vehicle that the arm did not move for."""
    verdict = visit.verdict or Verdict(Result.UNSURE, Reason.NOTHING_SEEN)
    earlier = remembered_visit(turn, verdict.plate)
    held = turn.state.arm.held and turn.state.arm.because in (Reason.FIRE, Reason.HELD_OPEN)
    remember(turn, verdict, visit.passage_id)
    turn.change(
        visit=None, outcome=Outcome(_signal_of(verdict), turn.now + turn.rules.show_result_s)
    )
    turn.ask(
        Record(
            passage_id=visit.passage_id,
            trigger=visit.trigger,
            triggered_s=visit.triggered_s,
            verdict=verdict,
            sighting=visit.sighting,
            barrier="held open" if held else "not moved",
            vehicles=0,
            milestones=visit.milestones,
            repeat_of=earlier,
        )
    )


def _signal_of(verdict: Verdict) -> Signal:
    if verdict.result is Result.GRANTED:
        return Signal.GRANTED
    return Signal.REFUSED if verdict.result is Result.REFUSED else Signal.UNSURE
