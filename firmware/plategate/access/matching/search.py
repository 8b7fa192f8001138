# SPDX-License-Identifier: Apache-2.0
"""Query the database for plates that may explain a reading: listed, otherwise known, wanted.

Every query is a number of index look-ups that does not grow with the lists. `match` compares the
plates that are found.
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

# A wanted plate with at least this likelihood raises the alarm, and so do all look-alikes.
LEAST_WANTED = 0.01


def explanations(
    store: sqlite3.Connection, reading: PlateReading, strictness: Strictness
) -> Explanations:
    """Possible explanations of a reading; other known plates only if a listed plate is found."""
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
    """The plates on lists and in records that look like one of `texts`, except `plate`."""
    keys = {lookalike_key(text) for text in texts}
    found = {near for name in ListName for near in plates_like(store, name, keys)}
    return {*found, *record_plates_like(store, keys)} - {plate}


def possibly_wanted(
    store: sqlite3.Connection, reading: PlateReading, likelihood: ReadingLikelihood
) -> tuple[ListEntry, ...]:
    """Wanted entries that look like the reading or explain it well, likeliest first."""
    own, least = lookalike_key(reading.text), math.log(LEAST_WANTED)
    found = [
        (likelihood.of(entry.plate), entry)
        for entry in entries_like(store, ListName.WANTED, near_keys(reading))
        if lookalike_key(entry.plate) == own or likelihood.of(entry.plate) >= least
    ]
    found.sort(key=lambda pair: -pair[0])
    return tuple(entry for _, entry in found)
