# SPDX-License-Identifier: Apache-2.0
"""A visit: one vehicle from its trigger through stills, reading and verdict to a grant or refusal.

A vehicle that waits is read again, at most `attempts` times, and is still one passage. Nothing here
moves the arm: a grant that is stored in the journal becomes an opening.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from plategate.lane.context import StepContext
from plategate.lane.openings import add_opening, note_follower, report_unjudged_passing
from plategate.lane.recent_plates import alarm_is_new, earlier_visit, remember_plate
from plategate.lane.state import Opening, ShownResult, Visit, VisitStage
from plategate.messages import Judge, Mode, Record, Signal, TakeStills, WriteGrant
from plategate.values import PlateSighting, Reason, Result, Verdict

# Reasons that another reading of the same vehicle cannot change.
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
        Reason.GROUP_FULL,
        Reason.SITE_FULL,
        Reason.LOCKED,
        Reason.HELD_OPEN,
        Reason.FIRE,
        Reason.FAULT,
        Reason.VEHICLE_LEFT,
    }
)


def start_visit(ctx: StepContext, trigger: str) -> None:
    """Start the visit of a vehicle that has arrived, and request its stills."""
    visit = Visit(
        passage_id=ctx.next_passage_id(),
        trigger=trigger,
        triggered_s=ctx.now,
        stage=VisitStage.READING,
        since_s=ctx.now,
        at_trigger=ctx.state.clear_since_s is None,
    )
    ctx.change(visit=visit, shown_result=None)
    note_follower(ctx, visit.passage_id)
    ctx.ask(TakeStills(visit.passage_id, ctx.rules.stills, ctx.now, visit.attempts))


def close_left_visit(ctx: StepContext, visit: Visit) -> bool:
    """Record a vehicle that left before it was judged, because another vehicle has arrived.

    The new vehicle must not be let in on the old plate. False where the visit continues: its
    vehicle has not left, or its grant is being written.
    """
    if not visit.left or visit.stage is VisitStage.WRITING:
        return False
    verdict = _better(visit.verdict, Verdict(Result.UNSURE, Reason.VEHICLE_LEFT))
    _finish(ctx, replace(visit, verdict=verdict))
    return True


def plate_read(ctx: StepContext, visit: Visit, sighting: PlateSighting) -> None:
    """Request a verdict on a reading; a burst without a reading is unsure without one."""
    if visit.stage is not VisitStage.READING:
        return
    visit = _keep_sighting(visit, sighting)
    if sighting.failed is not None:
        _act_on(ctx, visit, Verdict(Result.UNSURE, Reason.PIPELINE_FAILED))
    elif sighting.reading is None:
        reason = Reason.NOTHING_SEEN if sighting.plate is None else Reason.NOT_READABLE
        _act_on(ctx, visit, Verdict(Result.UNSURE, reason))
    else:
        _enter(ctx, visit, VisitStage.JUDGING, milestone="read")
        ctx.ask(Judge(visit.passage_id, sighting.reading, visit.attempts))


def reading_failed(ctx: StepContext, visit: Visit, reason: Reason) -> None:
    """Handle a burst or verdict that failed: unsure for this attempt."""
    if visit.stage in (VisitStage.READING, VisitStage.JUDGING):
        _act_on(ctx, visit, Verdict(Result.UNSURE, reason))


def verdict_reached(ctx: StepContext, visit: Visit, verdict: Verdict) -> None:
    """Report an alarm where there is one, then act on the verdict."""
    if visit.stage is not VisitStage.JUDGING:
        return
    if verdict.alarm is not None and alarm_is_new(ctx, verdict):
        ctx.report("alarm", visit.passage_id, f"{verdict.reason.value}: {verdict.alarm}")
    visit = replace(visit, milestones=(*visit.milestones, ("judged", ctx.now)))
    _act_on(ctx, visit, _with_mode(ctx, visit, verdict))


def grant_written(ctx: StepContext, visit: Visit) -> None:
    """Turn the visit into an opening, now that the journal has the grant."""
    if visit.stage is not VisitStage.WRITING or visit.verdict is None:
        return
    verdict = _with_mode(ctx, visit, visit.verdict)
    if verdict.result is not Result.GRANTED or verdict.reason in (Reason.FIRE, Reason.HELD_OPEN):
        _finish(ctx, replace(visit, verdict=verdict))
        return
    earlier = earlier_visit(ctx, verdict.plate)
    remember_plate(ctx, verdict, visit.passage_id)
    ctx.change(visit=None)
    add_opening(
        ctx,
        Opening(
            passage_id=visit.passage_id,
            trigger=visit.trigger,
            triggered_s=visit.triggered_s,
            since_s=ctx.now,
            verdict=verdict,
            sighting=visit.sighting,
            milestones=(*visit.milestones, ("written", ctx.now)),
            repeat_of=earlier,
        ),
    )


def grant_not_written(ctx: StepContext, visit: Visit) -> None:
    """Do not open: a grant that is not stored must not move the arm."""
    if visit.stage is VisitStage.WRITING:
        _act_on(ctx, visit, Verdict(Result.UNSURE, Reason.STORE_FAILED))


def advance_visit(ctx: StepContext, present: bool) -> None:
    """Limit every wait, and read a waiting vehicle again."""
    visit = ctx.state.visit
    if visit is None:
        return
    rules = ctx.rules
    if visit.stage is VisitStage.READING:
        if ctx.reached(visit.since_s + rules.read_within_s):
            _act_on(ctx, visit, Verdict(Result.UNSURE, Reason.PIPELINE_FAILED))
    elif visit.stage is VisitStage.JUDGING:
        if ctx.reached(visit.since_s + rules.judge_within_s):
            _act_on(ctx, visit, Verdict(Result.UNSURE, Reason.STORE_FAILED))
    elif visit.stage is VisitStage.WRITING:
        if ctx.reached(visit.since_s + rules.write_within_s):
            grant_not_written(ctx, visit)
    elif not present:
        _finish(ctx, visit)
    elif ctx.reached(visit.since_s + rules.retry_after_s):
        again = replace(visit, attempts=visit.attempts + 1)
        _enter(ctx, again, VisitStage.READING)
        ctx.ask(TakeStills(visit.passage_id, rules.stills, ctx.now, again.attempts))


def _with_mode(ctx: StepContext, visit: Visit, verdict: Verdict) -> Verdict:
    """Apply mode, fire, fault and the vehicle's leaving; they replace result and reason."""
    state = ctx.state
    if state.fire:
        return replace(verdict, result=Result.GRANTED, reason=Reason.FIRE)
    if verdict.result is Result.GRANTED and state.fault is not None:
        return replace(verdict, result=Result.REFUSED, reason=Reason.FAULT)
    if state.kept_open and state.arm.held:
        return replace(verdict, result=Result.GRANTED, reason=Reason.HELD_OPEN)
    if verdict.result is Result.GRANTED and state.mode is Mode.LOCKED:
        return replace(verdict, result=Result.REFUSED, reason=Reason.LOCKED)
    if verdict.result is Result.GRANTED and visit.left:
        return replace(verdict, result=Result.UNSURE, reason=Reason.VEHICLE_LEFT)
    return verdict


def _act_on(ctx: StepContext, visit: Visit, verdict: Verdict) -> None:
    """Write the grant, try again, or record the vehicle."""
    verdict = _better(visit.verdict, verdict)
    visit = replace(visit, verdict=verdict)
    if verdict.result is Result.GRANTED and verdict.reason not in FINAL:
        _enter(ctx, visit, VisitStage.WRITING)
        repeat_of = earlier_visit(ctx, verdict.plate)
        ctx.ask(WriteGrant(visit.passage_id, verdict, visit.attempts, repeat_of))
    elif verdict.reason in FINAL or visit.attempts >= ctx.rules.attempts:
        _finish(ctx, visit)
    else:
        _enter(ctx, visit, VisitStage.WAITING)


def _better(before: Verdict | None, now: Verdict) -> Verdict:
    """The more informative verdict: one on a plate before one without, else the later."""
    if before is None or now.plate is not None or now.result is Result.GRANTED:
        return now
    if before.result is Result.GRANTED:
        return now
    return before if before.plate is not None else now


def _keep_sighting(visit: Visit, sighting: PlateSighting) -> Visit:
    before = visit.sighting
    worse = sighting.reading is None and before is not None and before.reading is not None
    return visit if worse else replace(visit, sighting=sighting)


def _enter(ctx: StepContext, visit: Visit, stage: VisitStage, milestone: str | None = None) -> None:
    changes: dict[str, Any] = {"stage": stage, "since_s": ctx.now}
    if milestone is not None:
        changes["milestones"] = (*visit.milestones, (milestone, ctx.now))
    ctx.change(visit=replace(visit, **changes))


def _finish(ctx: StepContext, visit: Visit) -> None:
    """Record a vehicle for which the arm did not move."""
    verdict = visit.verdict or Verdict(Result.UNSURE, Reason.NOTHING_SEEN)
    earlier = earlier_visit(ctx, verdict.plate)
    held = ctx.state.arm.held and ctx.state.arm.because in (Reason.FIRE, Reason.HELD_OPEN)
    remember_plate(ctx, verdict, visit.passage_id)
    report_unjudged_passing(ctx, visit.passage_id, verdict)
    ctx.change(
        visit=None, shown_result=ShownResult(_signal_of(verdict), ctx.now + ctx.rules.show_result_s)
    )
    ctx.ask(
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
