# SPDX-License-Identifier: Apache-2.0
"""Raise, hold and lower the arm; the only file that emits relay commands.

Safety rule: the arm is lowered, or released to fall, only while every wired safety input is known
to be inactive, and goes up again when one is not. The force limit of the barrier's own controller
is the last protection.
"""

from __future__ import annotations

from dataclasses import replace

from plategate.lane.context import StepContext
from plategate.lane.openings import close_all
from plategate.lane.rules import Style
from plategate.lane.state import ArmStage, Opening
from plategate.lane.supervision import arm_is_down, arm_is_up, latch
from plategate.messages import (
    CloseBarrier,
    FaultCode,
    HoldBarrier,
    InputName,
    Level,
    OpenBarrier,
    RaiseAgain,
    ReleaseBarrier,
)
from plategate.values import Reason


def advance_arm(ctx: StepContext) -> None:
    """Track the arm's movement, then command the next one where it is due."""
    _follow(ctx)
    state = ctx.state
    reason = _hold_reason(ctx)
    waiting = next((opening for opening in state.openings if not opening.raised), None)
    if reason is not None:
        _hold(ctx, reason)
    elif state.arm.stage is ArmStage.LOWERING and blocking_inputs(ctx):
        _raise_again(ctx)
    elif waiting is not None:
        _raise_for(ctx, waiting)
    elif state.arm.stage is ArmStage.UP and not state.openings:
        _lower(ctx)


def _hold_reason(ctx: StepContext) -> Reason | None:
    """Why the arm is held up independently of vehicles; None where it is not."""
    state = ctx.state
    if state.drive_failed:
        return None
    if state.fire:
        return Reason.FIRE
    held_already = state.arm.held and state.arm.because is Reason.HELD_OPEN
    if state.kept_open and (state.fault is None or held_already):
        return Reason.HELD_OPEN
    return None


def blocking_inputs(ctx: StepContext) -> tuple[InputName, ...]:
    """Safety inputs that are active or unknown."""
    return tuple(n for n in ctx.rules.safety if ctx.state.level(n) is not Level.INACTIVE)


def _safe_to_lower(ctx: StepContext) -> bool:
    rules = ctx.rules
    if blocking_inputs(ctx):
        return False
    if not rules.safety:
        # Without a safety input only the barrier's own controller may decide to close.
        return rules.style is not Style.OPEN_AND_CLOSE
    quiet_since = max(ctx.state.seen(name).since_s for name in rules.safety)
    return ctx.reached(quiet_since + rules.close_after_s)


def _follow(ctx: StepContext) -> None:
    stage = ctx.state.arm.stage
    if stage is ArmStage.RAISING:
        _follow_up(ctx)
    elif stage is ArmStage.UP:
        _detect_own_closing(ctx)
    elif stage is ArmStage.LOWERING:
        _follow_down(ctx)
    elif arm_is_down(ctx.state) and not ctx.state.arm.seen_down:
        ctx.change_arm(seen_down=True)


def _follow_up(ctx: StepContext) -> None:
    up = arm_is_up(ctx.state)
    if not up and not ctx.reached(ctx.state.arm.since_s + ctx.rules.travel_s):
        return
    _enter(ctx, ArmStage.UP)
    if up is False:
        latch(ctx, FaultCode.DID_NOT_OPEN)


def _detect_own_closing(ctx: StepContext) -> None:
    """Style pulse: once the arm has left the top switch, the barrier is closing by itself."""
    own_closing = ctx.rules.style is Style.PULSE and not ctx.state.arm.held
    if own_closing and arm_is_up(ctx.state) is False and ctx.state.fault is None:
        _enter(ctx, ArmStage.LOWERING)


def _follow_down(ctx: StepContext) -> None:
    arm, rules = ctx.state.arm, ctx.rules
    by_itself = rules.style is Style.PULSE
    limit_s = rules.travel_s + (rules.auto_close_s if by_itself else 0.0)
    down = arm_is_down(ctx.state)
    if not down and not ctx.reached(arm.since_s + limit_s):
        return
    if down is False:
        _enter(ctx, ArmStage.UP)
        latch(ctx, FaultCode.LEFT_OPEN if by_itself else FaultCode.DID_NOT_CLOSE)
        return
    _enter(ctx, ArmStage.RESTING)
    ctx.change_arm(because=None, seen_down=down is True)
    close_all(ctx, "opened, nobody drove through", only_raised=True)


def _hold(ctx: StepContext, reason: Reason) -> None:
    arm = ctx.state.arm
    if not (arm.held and arm.because is reason):
        if reason is not Reason.FIRE and not _gap_is_over(ctx):
            return
        ctx.ask(HoldBarrier(reason))
        _note_movement(ctx, held=True, because=reason, passage_id=None)
    if arm.stage in (ArmStage.RESTING, ArmStage.LOWERING):
        _enter(ctx, ArmStage.RAISING)
    for opening in ctx.state.openings:
        _mark_raised(ctx, opening)


def _raise_for(ctx: StepContext, opening: Opening) -> None:
    arm, rules = ctx.state.arm, ctx.rules
    going_up = arm.stage in (ArmStage.RAISING, ArmStage.UP)
    if not (arm.held and going_up):
        if not _gap_is_over(ctx):
            return
        because = opening.verdict.reason
        hold = rules.style is Style.HOLD
        if hold:
            ctx.ask(HoldBarrier(because, opening.passage_id))
        else:
            ctx.ask(OpenBarrier(opening.passage_id, rules.pulse_s, because))
        _note_movement(ctx, held=hold, because=because, passage_id=opening.passage_id)
    if not going_up:
        _enter(ctx, ArmStage.RAISING)
    ctx.change_arm(passage_id=opening.passage_id)
    _mark_raised(ctx, opening)


def _raise_again(ctx: StepContext) -> None:
    hold = ctx.rules.style is Style.HOLD
    ctx.ask(RaiseAgain(hold, ctx.rules.pulse_s))
    ctx.change_arm(held=hold, moved_s=ctx.now)
    _enter(ctx, ArmStage.RAISING)


def _lower(ctx: StepContext) -> None:
    arm = ctx.state.arm
    if not _safe_to_lower(ctx):
        _report_blocked(ctx)
        return
    if not _gap_is_over(ctx):
        return
    by_pulse = ctx.rules.style is Style.OPEN_AND_CLOSE
    if arm.held:
        ctx.ask(ReleaseBarrier())
        _note_movement(ctx, held=False)
        if by_pulse:
            return  # the CLOSE pulse follows after `move_gap_s`
    elif by_pulse:
        if ctx.state.fault is not None:
            return
        ctx.ask(CloseBarrier(ctx.rules.pulse_s))
        _note_movement(ctx)
    _enter(ctx, ArmStage.LOWERING)


def _report_blocked(ctx: StepContext) -> None:
    blocked = blocking_inputs(ctx)
    if ctx.state.arm.reported or not blocked:
        return
    since = max(ctx.state.seen(name).since_s for name in blocked)
    if ctx.reached(max(since, ctx.state.arm.since_s) + ctx.rules.blocked_report_s):
        ctx.change_arm(reported=True)
        names = ", ".join(f"{name.value} {ctx.state.level(name).value}" for name in blocked)
        ctx.report("arm_blocked", ctx.state.arm.passage_id, names)


def _gap_is_over(ctx: StepContext) -> bool:
    """Whether `move_gap_s` has passed since the last relay command; the barrier needs the pause."""
    moved = ctx.state.arm.moved_s
    return moved is None or ctx.reached(moved + ctx.rules.move_gap_s)


def _note_movement(ctx: StepContext, **changes: object) -> None:
    ctx.change_arm(moved_s=ctx.now, **changes)


def _enter(ctx: StepContext, stage: ArmStage) -> None:
    ctx.change_arm(stage=stage, since_s=ctx.now, reported=False)


def _mark_raised(ctx: StepContext, opening: Opening) -> None:
    if opening.raised:
        return
    raised = replace(opening, raised=True, milestones=(*opening.milestones, ("opened", ctx.now)))
    ctx.change(openings=tuple(raised if o is opening else o for o in ctx.state.openings))
