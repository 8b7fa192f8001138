# SPDX-License-Identifier: Apache-2.0
"""Say which mode is in force now: the one of the settings, or of a weekly window.

Windows count only while the clock can be trusted; without that the mode of the settings holds.
"""

from __future__ import annotations

from collections.abc import Callable

from plategate.clock import Clock
from plategate.errors import SettingsError
from plategate.messages import Mode
from plategate.schedule.windows import Holidays, parse_hours
from plategate.schedule.zone import site_zone
from plategate.settings.access import AccessSettings
from plategate.settings.lane import LaneSettings


def mode_chooser(
    lane: LaneSettings, access: AccessSettings, clock: Clock, clock_trusted: Callable[[], bool]
) -> Callable[[], Mode]:
    """A function that answers the mode of this moment; SettingsError for hours that are wrong."""
    base = Mode(lane.mode)
    if not lane.schedule:
        return lambda: base
    try:
        holidays = Holidays(access.holidays)
        windows = [(parse_hours(window.hours), Mode(window.mode)) for window in lane.schedule]
    except ValueError as error:
        raise SettingsError(f"lane.schedule: {error}") from None
    zone = site_zone(access.zone)

    def choose() -> Mode:
        if not clock_trusted():
            return base
        local = clock.wall().astimezone(zone)
        fitting = (mode for hours, mode in windows if hours.allow(local, holidays))
        return next(fitting, base)

    return choose
