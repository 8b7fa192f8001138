# SPDX-License-Identifier: Apache-2.0
"""What the owner's settings say about access, checked and made ready to be judged by."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from plategate.access.matching.match import LEVELS, Strictness
from plategate.access.visits import Direction
from plategate.errors import SettingsError
from plategate.plates.registration import installed_countries
from plategate.schedule.windows import Holidays
from plategate.schedule.zone import site_zone
from plategate.settings.access import AccessSettings


@dataclass(frozen=True, slots=True)
class AccessRules:
    """The terms of one site, replaced as a whole."""

    settings: AccessSettings
    zone: ZoneInfo
    holidays: Holidays
    strictness: Strictness
    direction: Direction


def access_rules(settings: AccessSettings) -> AccessRules:
    """The terms of these settings; SettingsError names a holiday, zone or country that is wrong."""
    try:
        holidays = Holidays(settings.holidays)
    except ValueError as error:
        raise SettingsError(f"access.holidays: {error}") from None
    _check_countries(settings.countries)
    return AccessRules(
        settings=settings,
        zone=site_zone(settings.zone),
        holidays=holidays,
        strictness=LEVELS[settings.strictness],
        direction=Direction(settings.direction),
    )


def _check_countries(codes: tuple[str, ...]) -> None:
    if not codes:
        return
    known = [country.code for country in installed_countries()]
    for code in codes:
        if code not in known:
            raise SettingsError(f"access.countries: {code!r}; there are: {', '.join(known)}")
