# SPDX-License-Identifier: Apache-2.0
"""Confusion table: how likely a character is misread, missed or invented, loaded from TOML."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

from plategate.plates.text import ALPHABET

TABLE = "confusions.toml"


@dataclass(frozen=True, slots=True)
class Confusions:
    """Probabilities that a character read with confidence is wrong, missing or extra."""

    misread: float
    twin: float
    missed_at_end: float
    missed_within: float
    extra_at_end: float
    extra_within: float
    instead: Mapping[str, Mapping[str, float]]  # read -> true character -> share of the misreads

    def missed(self, place: int, length: int) -> float:
        """The probability that a reading misses the character at this position of a plate."""
        return self.missed_at_end if place in (0, length - 1) else self.missed_within

    def extra(self, place: int, length: int) -> float:
        """The probability that the character at this position of a reading is not on the plate."""
        return self.extra_at_end if place in (0, length - 1) else self.extra_within


@lru_cache(maxsize=1)
def installed_confusions() -> Confusions:
    """The table that is installed with Plategate."""
    data = resources.files("plategate.plates") / TABLE
    return parse_confusions(data.read_text(encoding="utf-8"))


def parse_confusions(text: str) -> Confusions:
    """Parse a table; raises KeyError or ValueError if it is invalid."""
    raw = tomllib.loads(text)
    weights = {read: dict.fromkeys(ALPHABET, 1.0) for read in ALPHABET}
    for first, others in raw["pairs"].items():
        for second, weight in others.items():
            weights[first][second] = weights[second][first] = float(weight)
    instead = {}
    for read, row in weights.items():
        del row[read]
        total = sum(row.values())
        instead[read] = {truth: weight / total for truth, weight in row.items()}
    rates = raw["rates"]
    return Confusions(
        misread=float(rates["misread"]),
        twin=float(rates["twin"]),
        missed_at_end=float(rates["missed_at_end"]),
        missed_within=float(rates["missed_within"]),
        extra_at_end=float(rates["extra_at_end"]),
        extra_within=float(rates["extra_within"]),
        instead=instead,
    )
