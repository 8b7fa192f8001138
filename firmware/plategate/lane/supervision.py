# SPDX-License-Identifier: Apache-2.0
"""Compare the limit switches with what was commanded; latch a fault, and clear it on reset.

A latched fault ends every opening and blocks every pulse except for fire. An arm that is held up is
still lowered during a fault, but only when that is safe. Commanded movements are timed in `arm`;
this file detects movements that nobody commanded.
"""

from __future__ import annotations

from plategate.lane.context import StepContext
from plategate.lane.openings import close_all
from plategate.lane.rules import ForcedOpen
from plategate.lane.state import ArmStage, Fault, LaneState
from plategate.messages import FaultCode, InputName, Level, RestBarrier


def arm_is_up(state: LaneState) -> bool | None:
    """Whether the arm is at the top; None where the limit switches do not say."""
    return _at(state, InputName.ARM_UP, InputName.ARM_DOWN)


def arm_is_down(state: LaneState) -> bool | None:
    """Whether the arm is at the bottom; None where the limit switches do not say."""
    return _at(state, InputName.ARM_DOWN, InputName.ARM_UP)


def advance_supervision(ctx: StepContext) -> None:
    """Latch a fault where the arm is not where it should be."""
    state = ctx.state
    if _limits_contradict(state):
        since = max(state.seen(name).since_s for name in (InputName.ARM_UP, InputName.ARM_DOWN))
        if ctx.reached(since + ctx.rules.forced_after_s):
            latch(ctx, FaultCode.LIMITS_CONTRADICT)
    elif state.arm.stage is ArmStage.RESTING and arm_is_down(state) is False:
        _not_down_at_rest(ctx)


def latch(ctx: StepContext, code: FaultCode, detail: str = "") -> None:
    """Latch a fault and end all openings; a fault that is already latched stays."""
    if ctx.state.fault is not None:
        return
    ctx.change(fault=Fault(code, ctx.now))
    ctx.report("fault", ctx.state.arm.passage_id, f"{code.value} {detail}".strip())
    close_all(ctx, f"fault: {code.value}")


def drive_failed(ctx: StepContext, reason: str) -> None:
    """Switch every relay off and command none until the reset, also during an earlier fault."""
    latch(ctx, FaultCode.DRIVE_FAILED, reason)
    if not ctx.state.drive_failed:
        ctx.ask(RestBarrier())
        ctx.change(drive_failed=True)
        resting = {"stage": ArmStage.RESTING, "since_s": ctx.now, "held": False, "because": None}
        ctx.change_arm(moved_s=ctx.now, **resting)


def reset(ctx: StepContext, source: str) -> None:
    """Clear fault and fire on a person's request; fire stays while its input is active."""
    state = ctx.state
    if state.fault is not None or state.fire:
        ctx.report("reset", detail=source)
    ctx.change(fault=None, drive_failed=False, fire=state.active(InputName.FIRE))
    ctx.change_arm(seen_down=False, reported=False)


def _at(state: LaneState, here: InputName, there: InputName) -> bool | None:
    """One switch alone gives an answer; two that contradict each other give none."""
    if _limits_contradict(state):
        return None
    if state.active(here):
        return True
    if state.active(there) or state.level(here) is Level.INACTIVE:
        return False
    return None


def _limits_contradict(state: LaneState) -> bool:
    return state.active(InputName.ARM_UP) and state.active(InputName.ARM_DOWN)


def _not_down_at_rest(ctx: StepContext) -> None:
    state = ctx.state
    switch = InputName.ARM_DOWN if InputName.ARM_DOWN in ctx.rules.wired else InputName.ARM_UP
    deadline_s = state.seen(switch).since_s + ctx.rules.forced_after_s
    if state.arm.reported or not ctx.reached(deadline_s):
        return
    ctx.change_arm(reported=True)
    if not state.arm.seen_down:
        # After a power cut the arm may stand open. Nothing moves at start; the owner gets a report.
        ctx.report("found_open")
    elif ctx.rules.forced_open is ForcedOpen.FAULT:
        latch(ctx, FaultCode.FORCED_OPEN)
    else:
        ctx.report("forced_open")
