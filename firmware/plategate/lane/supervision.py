# SPDX-License-Identifier: Apache-2.0
"""Compare what the limit switches show with what was asked for, without trusting the drive.

Movements that were asked for are followed in `arm`; here is what the arm does unasked.
"""

from __future__ import annotations

from plategate.lane.context import Turn
from plategate.lane.faults import latch
from plategate.lane.position import arm_is_down, limits_contradict
from plategate.lane.state import ArmStage
from plategate.messages import FaultCode, InputName


def advance_supervision(turn: Turn) -> None:
    """Latch a fault where the arm is not where it should be."""
    state = turn.state
    if limits_contradict(state):
        since = max(state.seen(name).since_s for name in (InputName.ARM_UP, InputName.ARM_DOWN))
        if turn.reached(since + turn.rules.forced_after_s):
            latch(turn, FaultCode.LIMITS_CONTRADICT)
    elif state.arm.stage is ArmStage.RESTING and arm_is_down(state) is False:
        _not_down_at_rest(turn)


def _not_down_at_rest(turn: Turn) -> None:
    state = turn.state
    switch = InputName.ARM_DOWN if InputName.ARM_DOWN in turn.rules.wired else InputName.ARM_UP
    if state.arm.told or not turn.reached(state.seen(switch).since_s + turn.rules.forced_after_s):
        return
    turn.change_arm(told=True)
    if not state.arm.seen_down:
        # After a power cut the arm may stand open; nothing moves at start, the owner is told.
        turn.report("found_open")
    elif turn.rules.forced_open_is_fault:
        latch(turn, FaultCode.FORCED_OPEN)
    else:
        turn.report("forced_open")
