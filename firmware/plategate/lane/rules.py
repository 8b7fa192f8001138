# SPDX-License-Identifier: Apache-2.0
"""The plain values that the lane goes by: how the site is wired and how long things may take.

`gate` makes them of the checked settings; limits are checked there. Durations are in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from plategate.messages import InputName

SAFETY_INPUTS = (InputName.PHOTOCELL, InputName.SAFETY)


class Combine(StrEnum):
    """When several triggers together mean a vehicle."""

    ANY = "any"
    ALL = "all"
    IN_ORDER = "in_order"  # all, and in the order given; the other order is a vehicle that leaves


class Style(StrEnum):
    """How the barrier is driven."""

    PULSE = "pulse"  # a pulse opens, the barrier closes by itself
    HOLD = "hold"  # the arm stays up as long as the relay is closed
    OPEN_AND_CLOSE = "open_and_close"  # a pulse opens, a pulse on another relay closes


@dataclass(frozen=True, slots=True)
class LaneRules:
    """Everything that distinguishes one lane from another."""

    wired: frozenset[InputName]
    triggers: tuple[InputName, ...] = (InputName.BEAM,)
    combine: Combine = Combine.ANY
    rearm_s: float = 1.0
    stuck_after_s: float = 600.0
    stills: int = 3
    read_within_s: float = 8.0
    judge_within_s: float = 2.0
    write_within_s: float = 3.0
    attempts: int = 4
    retry_after_s: float = 1.5
    repeat_window_s: float = 60.0
    show_result_s: float = 5.0
    manual_when_locked: bool = True
    free_exit_when_locked: bool = True
    style: Style = Style.PULSE
    pulse_s: float = 0.4
    travel_s: float = 6.0
    auto_close_s: float = 10.0
    open_for_s: float = 6.0
    pass_within_s: float = 45.0
    vehicle_gap_s: float = 0.4
    close_after_s: float = 2.0
    move_gap_s: float = 1.0
    forced_after_s: float = 1.0
    forced_open_is_fault: bool = True
    blocked_report_s: float = 60.0

    @property
    def safety(self) -> tuple[InputName, ...]:
        """The safety inputs of this site."""
        return tuple(name for name in SAFETY_INPUTS if name in self.wired)

    @property
    def counter(self) -> InputName | None:
        """The input that tells vehicles under the arm apart."""
        for name in (InputName.INNER_BEAM, InputName.PHOTOCELL):
            if name in self.wired:
                return name
        return None
