# SPDX-License-Identifier: Apache-2.0
"""Find in the store what may be behind a reading: listed plates, other known plates, wanted ones.

Every question is a number of look-ups by key that does not grow with the lists. Weighing what is
found is the business of `match`.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterable

from plategate.access.matching.candidates import likely_texts, near_keys, wide_keys
from plategate.access.matching.likelihood import ReadingLikelihood
from plategate.access.matching.match import Explanations, Strictness
from plategate.access.store.lists import ListName, entries_like, plates_like
from plategate.access.store.vehicles import record_plates_like
from plategate.plates.text import lookalike_key
from plategate.values import ListEntry, PlateReading

# A wanted plate that explains a reading this well raises the alarm, besides all look-alikes.
LEAST_WANTED = 0.01


def explanations(
    store: sqlite3.Connection, reading: PlateReading, strictness: Strictness
) -> Explanations:
    """What may be behind a reading; other known plates only where a listed one comes up."""
    texts = likely_texts(reading)
    keys = wide_keys(reading) if strictness.wide else near_keys(reading)
    listed = plates_like(store, ListName.ALLOW, keys)
    if not listed:
        return Explanations((), (), texts)
    known = {
        *plates_like(store, ListName.BLOCK, keys),
        *plates_like(store, ListName.WANTED, keys),
        *record_plates_like(store, keys),
    }
    return Explanations(listed, known, texts)


def known_among(store: sqlite3.Connection, texts: Iterable[str], plate: str) -> set[str]:
    """The plates on lists and in records that look like one of `texts`, `plate` left out."""
    keys = {lookalike_key(text) for text in texts}
    found = {near for name in ListName for near in plates_like(store, name, keys)}
    return {*found, *record_plates_like(store, keys)} - {plate}


def possibly_wanted(
    store: sqlite3.Connection, reading: PlateReading, likelihood: ReadingLikelihood
) -> tuple[ListEntry, ...]:
    """Wanted entries that look like what was read or explain it well, likeliest first."""
    own, least = lookalike_key(reading.text), math.log(LEAST_WANTED)
    found = [
        (likelihood.of(entry.plate), entry)
        for entry in entries_like(store, ListName.WANTED, near_keys(reading))
        if lookalike_key(entry.plate) == own or likelihood.of(entry.plate) >= least
    ]
    found.sort(key=lambda pair: -pair[0])
    return tuple(entry for _, entry in found)
