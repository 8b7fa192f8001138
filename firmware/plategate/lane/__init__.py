# SPDX-License-Identifier: Apache-2.0
"""The lane as a pure state machine: `step(state, event, now, rules)`, called by `gate` alone.

It decides when stills are taken and when the arm moves. Safety rule: nothing is lowered while a
safety input is active, unknown or faulty, and nothing opens without a granted verdict or a named
override. It reads no clock and drives no pin; the barrier's own controller is the last protection.
"""

from __future__ import annotations

from plategate.lane.rules import Combine, ForcedOpen, LaneRules, Style
from plategate.lane.state import ArmStage, LaneState, VisitStage
from plategate.lane.step import step

__all__ = [
    "ArmStage",
    "Combine",
    "ForcedOpen",
    "LaneRules",
    "LaneState",
    "Style",
    "VisitStage",
    "step",
]
