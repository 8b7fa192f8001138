# SPDX-License-Identifier: Apache-2.0
"""Latch a fault with its first reason, and take it back when a person resets it.

A latched fault ends every opening and lets nothing pulse except for fire; an arm that is already
held is still let down only when that is safe.
"""

from __future__ import annotations

from plategate.lane.context import Turn
from plategate.lane.openings import close_all
from plategate.lane.state import ArmStage, Fault
from plategate.messages import FaultCode, InputName, RestBarrier


def latch(turn: Turn, code: FaultCode, detail: str = "") -> None:
    """Stop pulsing; later reasons change nothing."""
    if turn.state.fault is not None:
        return
    turn.change(fault=Fault(code, turn.now))
    turn.report("fault", turn.state.arm.passage_id, f"{code.value} {detail}".strip())
    close_all(turn, f"fault: {code.value}")


def drive_failed(turn: Turn, reason: str) -> None:
    """Put every relay to rest and ask for none until the reset, whatever was latched before."""
    latch(turn, FaultCode.DRIVE_FAILED, reason)
    if not turn.state.drive_failed:
        turn.ask(RestBarrier())
        turn.change(drive_failed=True)
        turn.change_arm(stage=ArmStage.RESTING, since_s=turn.now, held=False, because=None)


def reset(turn: Turn, source: str) -> None:
    """Forget fault and fire because a person on the site said so; fire stays while it is active."""
    state = turn.state
    if state.fault is not None or state.fire:
        turn.report("reset", detail=source)
    turn.change(fault=None, drive_failed=False, fire=state.active(InputName.FIRE))
    turn.change_arm(seen_down=False, told=False)
