# SPDX-License-Identifier: Apache-2.0
"""Raise, hold and lower the arm; this file alone asks for relays.

Which rule keeps people safe: the arm is lowered, or let down, only while every wired safety input
is known to be quiet, and goes up again when one is not. The barrier's own board with its force
limit stays the last protection.
"""

from __future__ import annotations

from dataclasses import replace

from plategate.lane.context import Turn
from plategate.lane.faults import latch
from plategate.lane.openings import close_all
from plategate.lane.position import arm_is_down, arm_is_up
from plategate.lane.rules import Style
from plategate.lane.state import ArmStage, Opening
from plategate.messages import (
    CloseBarrier,
    FaultCode,
    HoldBarrier,
    InputName,
    Level,
    Mode,
    OpenBarrier,
    RaiseAgain,
    ReleaseBarrier,
)
from plategate.values import Reason


def advance_arm(turn: Turn) -> None:
    """Follow the arm, then ask for the next movement where one is due."""
    _follow(turn)
    state = turn.state
    reason = _kept_up_by(turn)
    waiting = next((opening for opening in state.openings if not opening.raised), None)
    if reason is not None:
        _hold(turn, reason)
    elif state.arm.stage is ArmStage.LOWERING and _blocked_by(turn):
        _raise_again(turn)
    elif waiting is not None:
        _raise_for(turn, waiting)
    elif state.arm.stage is ArmStage.UP and not state.openings:
        _lower(turn)


def _kept_up_by(turn: Turn) -> Reason | None:
    """What holds the arm up without regard to single vehicles."""
    state = turn.state
    if state.drive_failed:
        return None
    if state.fire:
        return Reason.FIRE
    held_already = state.arm.held and state.arm.because is Reason.HELD_OPEN
    if state.mode is Mode.OPEN and (state.fault is None or held_already):
        return Reason.HELD_OPEN
    return None


def _blocked_by(turn: Turn) -> tuple[InputName, ...]:
    """Safety inputs that see something, or that cannot be believed."""
    return tuple(n for n in turn.rules.safety if turn.state.level(n) is not Level.INACTIVE)


def _safe_to_lower(turn: Turn) -> bool:
    rules = turn.rules
    if _blocked_by(turn):
        return False
    if not rules.safety:
        # Without a safety input of our own the barrier alone may decide to come down.
        return rules.style is not Style.OPEN_AND_CLOSE
    quiet_since = max(turn.state.seen(name).since_s for name in rules.safety)
    return turn.reached(quiet_since + rules.close_after_s)


def _follow(turn: Turn) -> None:
    stage = turn.state.arm.stage
    if stage is ArmStage.RAISING:
        _follow_up(turn)
    elif stage is ArmStage.UP:
        _notice_own_closing(turn)
    elif stage is ArmStage.LOWERING:
        _follow_down(turn)
    elif arm_is_down(turn.state) and not turn.state.arm.seen_down:
        turn.change_arm(seen_down=True)


def _follow_up(turn: Turn) -> None:
    up = arm_is_up(turn.state)
    if not up and not turn.reached(turn.state.arm.since_s + turn.rules.travel_s):
        return
    _enter(turn, ArmStage.UP)
    if up is False:
        latch(turn, FaultCode.DID_NOT_OPEN)


def _notice_own_closing(turn: Turn) -> None:
    """A barrier that closes by itself is on its way down once it has left the top."""
    own_closing = turn.rules.style is Style.PULSE and not turn.state.arm.held
    if own_closing and arm_is_up(turn.state) is False and turn.state.fault is None:
        _enter(turn, ArmStage.LOWERING)


def _follow_down(turn: Turn) -> None:
    arm, rules = turn.state.arm, turn.rules
    by_itself = rules.style is Style.PULSE
    patience_s = rules.travel_s + (rules.auto_close_s if by_itself else 0.0)
    down = arm_is_down(turn.state)
    if not down and not turn.reached(arm.since_s + patience_s):
        return
    if down is False:
        _enter(turn, ArmStage.UP)
        latch(turn, FaultCode.LEFT_OPEN if by_itself else FaultCode.DID_NOT_CLOSE)
        return
    _enter(turn, ArmStage.RESTING)
    turn.change_arm(because=None, seen_down=down is True)
    close_all(turn, "opened, nobody drove through", only_raised=True)


def _hold(turn: Turn, reason: Reason) -> None:
    arm = turn.state.arm
    if not (arm.held and arm.because is reason):
        if reason is not Reason.FIRE and not _gap_is_over(turn):
            return
        turn.ask(HoldBarrier(reason))
        _moved(turn, held=True, because=reason, passage_id=None)
    if arm.stage in (ArmStage.RESTING, ArmStage.LOWERING):
        _enter(turn, ArmStage.RAISING)
    for opening in turn.state.openings:
        _mark_raised(turn, opening)


def _raise_for(turn: Turn, opening: Opening) -> None:
    arm, rules = turn.state.arm, turn.rules
    going_up = arm.stage in (ArmStage.RAISING, ArmStage.UP)
    if not (arm.held and going_up):
        if not _gap_is_over(turn):
            return
        because = opening.verdict.reason
        hold = rules.style is Style.HOLD
        if hold:
            turn.ask(HoldBarrier(because, opening.passage_id))
        else:
            turn.ask(OpenBarrier(opening.passage_id, rules.pulse_s, because))
        _moved(turn, held=hold, because=because, passage_id=opening.passage_id)
    if not going_up:
        _enter(turn, ArmStage.RAISING)
    turn.change_arm(passage_id=opening.passage_id)
    _mark_raised(turn, opening)


def _raise_again(turn: Turn) -> None:
    hold = turn.rules.style is Style.HOLD
    turn.ask(RaiseAgain(hold, turn.rules.pulse_s))
    turn.change_arm(held=hold, moved_s=turn.now)
    _enter(turn, ArmStage.RAISING)


def _lower(turn: Turn) -> None:
    arm = turn.state.arm
    if not _safe_to_lower(turn):
        _tell_blocked(turn)
        return
    if not _gap_is_over(turn):
        return
    by_pulse = turn.rules.style is Style.OPEN_AND_CLOSE
    if arm.held:
        turn.ask(ReleaseBarrier())
        _moved(turn, held=False)
    if by_pulse and turn.state.fault is not None:
        return
    if by_pulse:
        turn.ask(CloseBarrier(turn.rules.pulse_s))
        _moved(turn)
    _enter(turn, ArmStage.LOWERING)


def _tell_blocked(turn: Turn) -> None:
    blocked = _blocked_by(turn)
    if turn.state.arm.told or not blocked:
        return
    since = max(turn.state.seen(name).since_s for name in blocked)
    if turn.reached(max(since, turn.state.arm.since_s) + turn.rules.blocked_report_s):
        turn.change_arm(told=True)
        names = ", ".join(f"{name.value} {turn.state.level(name).value}" for name in blocked)
        turn.report("arm_blocked", turn.state.arm.passage_id, names)


def _gap_is_over(turn: Turn) -> bool:
    """Relays are given time between two commands; the barrier's board needs it."""
    moved = turn.state.arm.moved_s
    return moved is None or turn.reached(moved + turn.rules.move_gap_s)


def _moved(turn: Turn, **changes: object) -> None:
    turn.change_arm(moved_s=turn.now, **changes)


def _enter(turn: Turn, stage: ArmStage) -> None:
    turn.change_arm(stage=stage, since_s=turn.now, told=False)


def _mark_raised(turn: Turn, opening: Opening) -> None:
    if opening.raised:
        return
    raised = replace(opening, raised=True, milestones=(*opening.milestones, ("opened", turn.now)))
    turn.change(openings=tuple(raised if o is opening else o for o in turn.state.openings))
