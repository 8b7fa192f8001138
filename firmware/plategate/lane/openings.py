# SPDX-License-Identifier: Apache-2.0
"""Openings: passages for which the arm is up, the vehicles counted under it, and tailgaters.

Every opening has a granted verdict or a named override and ends in exactly one Record. A vehicle
that passes without an opening of its own is reported: as tailgated, or as refused_passed where it
arrived after a granted vehicle had left the triggers and drove through in that one's place.
"""

from __future__ import annotations

from dataclasses import replace

from plategate.lane.context import StepContext
from plategate.lane.state import ArmStage, InputState, Opening, ShownResult
from plategate.messages import InputName, Level, Mode, Record, Signal, WriteGrant
from plategate.values import Reason, Result, Verdict

NOBODY = "opened, nobody drove through"  # the text of a passage
OVERRIDE_ATTEMPT = 0  # an override has no burst


def add_opening(ctx: StepContext, opening: Opening) -> None:
    """Add a passage that the arm is raised for."""
    ctx.change(openings=(*ctx.state.openings, opening))


def override(ctx: StepContext, reason: Reason, trigger: str) -> tuple[str, Reason | None]:
    """Open for a button, free exit or command; needs no camera, model or list.

    Returns the id of the passage, and the reason of a refusal.

    The arm does not wait for the journal, which stores the grant at the same time: a full or slow
    disk must not lock people in.
    """
    opening = Opening(
        passage_id=ctx.next_passage_id(),
        trigger=trigger,
        triggered_s=ctx.now,
        since_s=ctx.now,
        verdict=Verdict(Result.GRANTED, reason),
    )
    refusal = override_refusal(ctx, reason)
    if refusal is not None:
        _record(ctx, replace(opening, verdict=Verdict(Result.REFUSED, refusal)), "not moved")
        return opening.passage_id, refusal
    if ctx.state.arm.held and ctx.state.arm.because in (Reason.FIRE, Reason.HELD_OPEN):
        _record(ctx, opening, "held open")
        return opening.passage_id, None
    for earlier in ctx.state.openings:
        if earlier.verdict.reason is reason and not earlier.vehicles:
            _close(ctx, earlier, "requested again")
    ctx.ask(WriteGrant(opening.passage_id, opening.verdict, OVERRIDE_ATTEMPT))
    add_opening(ctx, opening)
    return opening.passage_id, None


def override_refusal(ctx: StepContext, reason: Reason) -> Reason | None:
    """Why an override is refused at this moment: FAULT or LOCKED; None where it is not."""
    state = ctx.state
    if state.drive_failed or (state.fault is not None and not state.fire):
        return Reason.FAULT
    if state.mode is not Mode.LOCKED:
        return None
    rules = ctx.rules
    free = rules.free_exit_when_locked if reason is Reason.FREE_EXIT else rules.manual_when_locked
    return None if free else Reason.LOCKED


def count_vehicle(ctx: StepContext, before: InputState) -> None:
    """Count a vehicle just under the arm; a gap shorter than `vehicle_gap_s` is a trailer."""
    if before.level is not Level.INACTIVE:
        return
    if ctx.now - before.since_s < ctx.rules.vehicle_gap_s:
        return
    state = ctx.state
    if state.arm.stage is ArmStage.RESTING:
        return
    waiting = next((o for o in state.openings if o.raised and not o.vehicles), None)
    if waiting is not None:
        _replace(ctx, waiting, replace(waiting, vehicles=1))
        return
    if state.fire or state.kept_open:
        return
    ctx.report("tailgated", state.arm.passage_id)
    if state.openings:
        last = state.openings[-1]
        _replace(ctx, last, replace(last, vehicles=last.vehicles + 1))


def note_left(ctx: StepContext) -> None:
    """The triggers are quiet: openings that wait for the relay have lost their vehicle."""
    for opening in ctx.state.openings:
        if _by_plate(opening) and not opening.raised:
            _replace(ctx, opening, replace(opening, vehicle_left=True))


def note_follower(ctx: StepContext, passage_id: str) -> None:
    """Another vehicle has arrived before the vehicle of an opening drove through."""
    for opening in ctx.state.openings:
        if _by_plate(opening) and not opening.vehicles:
            _replace(ctx, opening, replace(opening, followed_by=passage_id))


def report_unjudged_passing(ctx: StepContext, passage_id: str, verdict: Verdict) -> None:
    """Report a vehicle that passed before its verdict, unless it would have been granted."""
    granted = verdict.result is Result.GRANTED
    would_be = verdict.reason is Reason.VEHICLE_LEFT and verdict.plate is not None
    if passage_id == ctx.state.passed_unjudged and not granted and not would_be:
        ctx.report("refused_passed", passage_id, verdict.reason.value)


def advance_openings(ctx: StepContext) -> None:
    """Close the openings whose vehicle is through or has left, and those whose time is over."""
    for opening in ctx.state.openings:
        if opening.vehicle_left and not opening.raised:
            left = replace(opening.verdict, result=Result.UNSURE, reason=Reason.VEHICLE_LEFT)
            _close(ctx, replace(opening, verdict=left), "not moved")
    for opening in ctx.state.openings:
        if opening.followed_by is not None and opening.vehicles:
            _detect_other_vehicle(ctx, opening, opening.followed_by)
    for opening in ctx.state.openings:
        if opening.raised and _is_through(ctx, opening):
            other = ", another vehicle drove through" if opening.used_by_other else ""
            _close(ctx, opening, f"opened{other}")
        elif ctx.reached(opening.since_s + ctx.rules.pass_within_s):
            _close(ctx, opening, _unfinished(opening))


def _by_plate(opening: Opening) -> bool:
    """Whether the opening belongs to a vehicle at the triggers; an override may not."""
    return opening.sighting is not None


def _detect_other_vehicle(ctx: StepContext, opening: Opening, follower: str) -> None:
    """Once a vehicle is under the arm, the next one should still be at the triggers.

    If the triggers are quiet instead, it is the next one that drives through.
    """
    state = ctx.state
    if state.clear_since_s is None or state.fire or state.kept_open:
        return
    granted = any(other.passage_id == follower for other in state.openings)
    _replace(ctx, opening, replace(opening, followed_by=None, used_by_other=not granted))
    if granted:
        return
    if state.visit is not None and state.visit.passage_id == follower:
        ctx.change(passed_unjudged=follower)
    else:
        ctx.report("refused_passed", follower, f"through the opening of {opening.passage_id}")


def _unfinished(opening: Opening) -> str:
    return "opened, still under the arm" if opening.vehicles else NOBODY


def close_all(ctx: StepContext, barrier: str, only_raised: bool = False) -> None:
    """Close every opening; `barrier` says in the passage what the barrier did."""
    for opening in ctx.state.openings:
        if opening.raised or not only_raised:
            _close(ctx, opening, barrier)


def _is_through(ctx: StepContext, opening: Opening) -> bool:
    counter = ctx.rules.counter
    if counter is None:
        return _left_unseen(ctx, opening)
    seen = ctx.state.seen(counter)
    if not opening.vehicles or seen.level is not Level.INACTIVE:
        return False
    return ctx.reached(seen.since_s + ctx.rules.vehicle_gap_s)


def _left_unseen(ctx: StepContext, opening: Opening) -> bool:
    """Without a counting input: the triggers have been quiet for `open_for_s`."""
    quiet = ctx.state.clear_since_s
    exit_loop = ctx.state.seen(InputName.FREE_EXIT)
    if quiet is None or exit_loop.level is Level.ACTIVE:
        return False
    return ctx.reached(max(quiet, opening.since_s, exit_loop.since_s) + ctx.rules.open_for_s)


def _replace(ctx: StepContext, old: Opening, new: Opening) -> None:
    ctx.change(openings=tuple(new if o is old else o for o in ctx.state.openings))


def _close(ctx: StepContext, opening: Opening, barrier: str) -> None:
    ctx.change(openings=tuple(o for o in ctx.state.openings if o.passage_id != opening.passage_id))
    _record(ctx, opening, barrier)


def _record(ctx: StepContext, opening: Opening, barrier: str) -> None:
    granted = opening.verdict.result is Result.GRANTED
    signal = Signal.GRANTED if granted else Signal.REFUSED
    if not granted:
        ctx.change(shown_result=ShownResult(signal, ctx.now + ctx.rules.show_result_s))
    ctx.ask(
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
