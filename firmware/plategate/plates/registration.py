# SPDX-License-Identifier: Apache-2.0
"""Where a vehicle is registered, as far as its plate says: one data file a country.

A plate without its separators may belong to several places, and to several countries; what is
known about the vehicle from the records goes first, which is the business of `control`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

MOST_PLACES = 3  # a plate that may be from anywhere says nothing


@dataclass(frozen=True, slots=True)
class Registration:
    """A place that a plate may be from."""

    country: str
    place: str


@dataclass(frozen=True, slots=True)
class CountryCodes:
    """How plates of a country name a place; `every_pattern`: a plate may fit in several ways."""

    code: str
    name: str
    source: str
    patterns: tuple[re.Pattern[str], ...]
    places: dict[str, str]
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
    """The places a canonical plate may be from; only those in `countries` where there are any."""
    installed = installed_countries()
    near = [country for country in installed if country.code in countries]
    found = {r: None for country in near for r in country.places_of(plate)}
    if not found:
        found = {r: None for country in installed for r in country.places_of(plate)}
    return tuple(found)


def registered_in(plate: str, countries: Collection[str] = ()) -> str | None:
    """The places in words; None where the plate says nothing, or too much."""
    found = registrations(plate, countries)
    if not 1 <= len(found) <= MOST_PLACES:
        return None
    names = dict.fromkeys(r.country for r in found)
    return " or ".join(
        f"{' or '.join(r.place for r in found if r.country == name)} ({name})" for name in names
    )


@lru_cache(maxsize=1)
def installed_countries() -> tuple[CountryCodes, ...]:
    """The countries that came with Plategate, by ISO code."""
    folder = resources.files("plategate.plates") / "registration_places"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    return tuple(
        parse_country(f.name.removesuffix(".toml"), f.read_text(encoding="utf-8")) for f in files
    )


def parse_country(code: str, text: str) -> CountryCodes:
    """Read a data file: places by name, each with the codes that mean it."""
    raw = tomllib.loads(text)
    return CountryCodes(
        code=code,
        name=raw["country"],
        source=raw["source"],
        patterns=tuple(re.compile(pattern) for pattern in raw["patterns"]),
        places={c: place for place, codes in raw["places"].items() for c in codes.split()},
        every_pattern=raw.get("every_pattern", False),
    )
