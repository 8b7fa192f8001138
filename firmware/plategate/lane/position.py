# SPDX-License-Identifier: Apache-2.0
"""Say from the limit switches where the arm is; None where they cannot tell.

One switch alone is enough for an answer; two that contradict each other give none.
"""

from __future__ import annotations

from plategate.lane.state import LaneState
from plategate.messages import InputName, Level


def arm_is_up(state: LaneState) -> bool | None:
    """Whether the arm is at the top."""
    return _at(state, InputName.ARM_UP, InputName.ARM_DOWN)


def arm_is_down(state: LaneState) -> bool | None:
    """Whether the arm is at the bottom."""
    return _at(state, InputName.ARM_DOWN, InputName.ARM_UP)


def limits_contradict(state: LaneState) -> bool:
    """Whether the arm claims to be at both ends."""
    return state.active(InputName.ARM_UP) and state.active(InputName.ARM_DOWN)


def _at(state: LaneState, here: InputName, there: InputName) -> bool | None:
    if limits_contradict(state):
        return None
    if state.active(here):
        return True
    if state.active(there) or state.level(here) is Level.INACTIVE:
        return False
    return None
