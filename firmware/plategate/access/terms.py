# SPDX-License-Identifier: Apache-2.0
"""What the owner's settings say about access, checked and made ready to be judged by."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from plategate.access.match import LEVELS, Strictness
from plategate.access.registration import installed_countries
from plategate.access.schedule import Holidays
from plategate.access.visit_store import Direction
from plategate.access.zone import site_zone
from plategate.errors import SettingsError
from plategate.settings.access import AccessSettings


@dataclass(frozen=True, slots=True)
class AccessTerms:
    """The terms of one site, replaced as a whole."""

    settings: AccessSettings
    zone: ZoneInfo
    holidays: Holidays
    strictness: Strictness
    direction: Direction


def access_terms(settings: AccessSettings) -> AccessTerms:
    """The terms of these settings; SettingsError names a holiday, zone or country that is wrong."""
    try:
        holidays = Holidays(settings.holidays)
    except ValueError as error:
        raise SettingsError(f"access.holidays: {error}") from None
    _check_countries(settings.countries)
    return AccessTerms(
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
