# SPDX-License-Identifier: Apache-2.0
"""The lane as a pure state machine: `step(state, event, now, rules)`, called by `gate` alone.

It decides when stills are taken and when the arm moves, and keeps to DESIGN.md §5: nothing closes
on a safety input that is active, unknown or faulty, and nothing opens without a verdict or a named
override. It reads no clock and drives no pin; the barrier's own board stays the last protection.
"""

from __future__ import annotations

from plategate.lane.rules import Combine, LaneRules, Style
from plategate.lane.state import ArmStage, LaneState, VisitStage
from plategate.lane.step import step

__all__ = ["ArmStage", "Combine", "LaneRules", "LaneState", "Style", "VisitStage", "step"]
