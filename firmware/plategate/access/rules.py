# SPDX-License-Identifier: Apache-2.0
"""The access rules of a site: its settings, with zone, holidays and strictness resolved."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from plategate.access.matching.match import LEVELS, Strictness
from plategate.access.occupancy import Quotas, quotas_of
from plategate.access.visits import Direction
from plategate.errors import SettingsError
from plategate.schedule.windows import Holidays
from plategate.schedule.zone import site_zone
from plategate.settings.access import AccessSettings


@dataclass(frozen=True, slots=True)
class AccessRules:
    """What `control` decides by; replaced as a whole when the settings change."""

    settings: AccessSettings
    zone: ZoneInfo
    holidays: Holidays
    strictness: Strictness
    direction: Direction
    quotas: Quotas
    countries: tuple[str, ...] = ()  # whose places of registration come first


def access_rules(settings: AccessSettings, countries: tuple[str, ...] = ()) -> AccessRules:
    """The rules for these settings; raises SettingsError for an invalid holiday or time zone."""
    try:
        holidays = Holidays(settings.holidays)
    except ValueError as error:
        raise SettingsError(f"access.holidays: {error}") from None
    return AccessRules(
        settings=settings,
        zone=site_zone(settings.zone),
        holidays=holidays,
        strictness=LEVELS[settings.strictness],
        direction=Direction(settings.direction),
        quotas=quotas_of(settings),
        countries=countries,
    )
