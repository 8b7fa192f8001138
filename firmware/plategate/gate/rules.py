# SPDX-License-Identifier: Apache-2.0
"""Turn the checked settings into the plain values that the lane goes by."""

from __future__ import annotations

from collections.abc import Iterable

from plategate.errors import SettingsError
from plategate.hardware.interfaces import Inputs
from plategate.lane import Combine, LaneRules, Style
from plategate.messages import InputName
from plategate.settings.barrier import BarrierSettings
from plategate.settings.lane import LaneSettings

SAFETY = {InputName.PHOTOCELL, InputName.SAFETY}
RELAY_REST_S = 0.2


def all_wired(inputs: Iterable[Inputs]) -> frozenset[InputName]:
    """Every input that exists on the site."""
    return frozenset[InputName]().union(*(each.wired() for each in inputs))


def lane_rules(
    lane: LaneSettings, barrier: BarrierSettings, wired: frozenset[InputName]
) -> LaneRules:
    """The rules of one lane on a site with these inputs.

    Raises SettingsError where a trigger is not wired, or where we would close without seeing.
    """
    triggers = tuple(InputName(name) for name in lane.triggers)
    for name in triggers:
        if name not in wired:
            raise SettingsError(f"lane.triggers: {name.value} is not wired (see [pins])")
    if barrier.style == "open_and_close" and not wired & SAFETY:
        raise SettingsError("barrier.style = open_and_close: needs pins.photocell or pins.safety")
    pulse_s = barrier.pulse_ms / 1000
    return LaneRules(
        wired=wired,
        triggers=triggers,
        combine=Combine(lane.combine),
        rearm_s=lane.rearm_ms / 1000,
        stuck_after_s=lane.stuck_after_s,
        stills=lane.stills,
        read_within_s=lane.read_within_s,
        judge_within_s=lane.judge_within_s,
        write_within_s=lane.write_within_s,
        attempts=lane.attempts,
        retry_after_s=lane.retry_after_ms / 1000,
        repeat_window_s=lane.repeat_window_s,
        show_result_s=lane.show_result_s,
        manual_when_locked=lane.manual_when_locked,
        free_exit_when_locked=lane.free_exit_when_locked,
        style=Style(barrier.style),
        pulse_s=pulse_s,
        travel_s=barrier.travel_s,
        auto_close_s=barrier.auto_close_s,
        open_for_s=barrier.open_for_s,
        pass_within_s=barrier.pass_within_s,
        vehicle_gap_s=barrier.vehicle_gap_ms / 1000,
        close_after_s=barrier.close_after_s,
        # A pulse is over before the next begins: OPEN and CLOSE must never be on together.
        move_gap_s=max(barrier.move_gap_ms / 1000, pulse_s + RELAY_REST_S),
        forced_after_s=barrier.forced_after_s,
        forced_open_is_fault=barrier.forced_open == "fault",
        blocked_report_s=barrier.blocked_report_s,
    )
