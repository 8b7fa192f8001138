# SPDX-License-Identifier: Apache-2.0
"""The configuration of one lane: wiring, durations, drive style; plain values, no defaults.

Defaults, limits and descriptions are in `settings.lane` and `settings.barrier`. The gate fills
LaneRules from them by name (`gate.startup.lane_rules`): `x` from key `x`, `x_s` from `x_ms`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from plategate.messages import InputName

SAFETY_INPUTS = (InputName.PHOTOCELL, InputName.SAFETY)


class Combine(StrEnum):
    """How several triggers are combined into one vehicle."""

    ANY = "any"
    ALL = "all"
    IN_ORDER = "in_order"  # all, in the configured order; the reverse order is a leaving vehicle


class Style(StrEnum):
    """How the barrier is driven."""

    PULSE = "pulse"  # a pulse opens, the barrier closes by itself
    HOLD = "hold"  # the arm stays up while the OPEN relay is on
    OPEN_AND_CLOSE = "open_and_close"  # one pulse opens, a pulse on the CLOSE relay closes


class ForcedOpen(StrEnum):
    """What happens when the arm rises without a command."""

    FAULT = "fault"
    REPORT = "report"


@dataclass(frozen=True, slots=True)
class LaneRules:
    """The configuration of one lane. Durations are in seconds."""

    wired: frozenset[InputName]
    triggers: tuple[InputName, ...]
    combine: Combine
    rearm_s: float
    stuck_after_s: float
    stills: int
    read_within_s: float
    judge_within_s: float
    write_within_s: float
    attempts: int
    retry_after_s: float
    repeat_window_s: float
    show_result_s: float
    manual_when_locked: bool
    free_exit_when_locked: bool
    style: Style
    pulse_s: float
    travel_s: float
    auto_close_s: float
    open_for_s: float
    pass_within_s: float
    vehicle_gap_s: float
    close_after_s: float
    move_gap_s: float
    forced_after_s: float
    forced_open: ForcedOpen
    blocked_report_s: float

    @property
    def safety(self) -> tuple[InputName, ...]:
        """The wired safety inputs."""
        return tuple(name for name in SAFETY_INPUTS if name in self.wired)

    @property
    def counter(self) -> InputName | None:
        """The input that counts vehicles under the arm; None where nothing does."""
        for name in (InputName.INNER_BEAM, InputName.PHOTOCELL):
            if name in self.wired:
                return name
        return None
