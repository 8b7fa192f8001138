# SPDX-License-Identifier: Apache-2.0
"""Places of registration: derive from a plate where the vehicle is registered.

The codes are in the `[registration]` table of the country files (see `formats`). A plate without
its separators may belong to several places and several countries.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from plategate.plates.formats import country_table, known_countries

MOST_PLACES = 3  # with more possible places none is shown


@dataclass(frozen=True, slots=True)
class Registration:
    """A place that a plate may be from, and its country."""

    country: str
    place: str


@dataclass(frozen=True, slots=True)
class RegistrationCodes:
    """The place codes of one country.

    `patterns` are regular expressions with a group `code`. `every_pattern` is True where a plate
    may match several of them; otherwise the first match counts.
    """

    country: str  # ISO code, lower case
    name: str
    source: str
    patterns: tuple[re.Pattern[str], ...]
    places: Mapping[str, str]  # by code
    every_pattern: bool

    def places_of(self, plate: str) -> Iterable[Registration]:
        """The places in this country that a canonical plate may be from."""
        for pattern in self.patterns:
            found = pattern.fullmatch(plate)
            if found and (place := self.places.get(found["code"])):
                yield Registration(self.name, place)
                if not self.every_pattern:
                    return


def registrations(plate: str, countries: Collection[str] = ()) -> tuple[Registration, ...]:
    """The places a canonical plate may be from, first in `countries`, then in all countries."""
    expected = {country.lower() for country in countries}
    known = registration_codes()
    found = {
        r: None for codes in known if codes.country in expected for r in codes.places_of(plate)
    }
    if not found:
        found = {r: None for codes in known for r in codes.places_of(plate)}
    return tuple(found)


def registered_in(plate: str, countries: Collection[str] = ()) -> str | None:
    """The places as text; None where there is none, or more than MOST_PLACES."""
    found = registrations(plate, countries)
    if not 1 <= len(found) <= MOST_PLACES:
        return None
    names = dict.fromkeys(r.country for r in found)
    return " or ".join(
        f"{' or '.join(r.place for r in found if r.country == name)} ({name})" for name in names
    )


@cache
def registration_codes() -> tuple[RegistrationCodes, ...]:
    """The codes of all countries whose plates name a place, ordered by ISO code."""
    tables = [(country, country_table(country)) for country in known_countries()]
    return tuple(_parse(country, table) for country, table in tables if "registration" in table)


def _parse(country: str, table: Mapping[str, Any]) -> RegistrationCodes:
    raw = table["registration"]
    return RegistrationCodes(
        country=country,
        name=table["name"],
        source=raw["source"],
        patterns=tuple(re.compile(pattern) for pattern in raw["patterns"]),
        places={code: place for place, codes in raw["places"].items() for code in codes.split()},
        every_pattern=raw.get("every_pattern", False),
    )
