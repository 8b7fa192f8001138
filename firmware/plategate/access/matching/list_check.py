# SPDX-License-Identifier: Apache-2.0
"""Find problems in the lists in force: duplicates, look-alikes, dead entries, doubtful plates.

Reads only. `misreadings` covers what a single plate may be misread as. Plates are stored without
the characters that older versions dropped; `_doubtful` finds what can be seen in what is left.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from plategate.access.files.fields import unsafe_characters
from plategate.access.matching.misreadings import one_confusion_away
from plategate.access.occupancy import Quotas, groups_without_entries
from plategate.access.store.history import was_checked
from plategate.access.store.lists import (
    ListName,
    all_entries,
    entries_of_plate,
    list_state,
    plates_like,
    table_of,
)
from plategate.plates.text import lookalike_key
from plategate.plates.written import LONGEST_PLATE, SHORTEST_PLATE

# Longer lists are searched for look-alikes by key only, which is fast at any size.
MOST_FOR_ALL_CONFUSIONS = 20_000
SHORTEST_OF_TWO = 4  # characters of each of two plates in one cell
_PLATE = re.compile(rf"[A-Z0-9]{{{SHORTEST_PLATE},{LONGEST_PLATE}}}")
_SCIENTIFIC = re.compile(r"\d+E\d\d")
_AND = re.compile(r"^(?:UND|AND|ODER|OR|ET|OU)(?=.*\d)")


class ProblemKind(StrEnum):
    """What is wrong with an entry."""

    DUPLICATE = "duplicate"
    EXPIRED = "expired"
    SHADOWED = "shadowed"
    TWIN = "one confusion apart"
    NEAR_WANTED = "near a wanted plate"
    NO_FORMAT = "fits no format"
    UNCHECKED = "unchecked list"
    NOT_A_PLATE = "not a plate"
    SPREADSHEET = "made by a spreadsheet"
    TWO_PLATES = "two plates in one"
    UNSAFE_TEXT = "unsafe text"
    UNUSED_GROUP = "group without entries"


@dataclass(frozen=True, slots=True)
class ListProblem:
    """One problem: its kind, the list and plate ("" for the whole list), and a sentence.

    `other` is the plate that it resembles, or the list that has it too; else "".
    """

    kind: ProblemKind
    list: ListName
    plate: str
    sentence: str
    other: str = ""


def check_lists(
    store: sqlite3.Connection, now: datetime, fits: Callable[[str], bool]
) -> Iterator[ListProblem]:
    """All problems, list by list; times in sentences are in the zone of `now`."""
    present = [name for name in ListName if list_state(store, name) is not None]
    for name in present:
        yield from _unchecked(store, name)
        yield from _duplicates(store, name)
        yield from _by_entry(store, name, now, fits)
    if ListName.ALLOW in present:
        for other in present:
            if other is not ListName.ALLOW:
                yield from _forbidden_too(store, other)
        yield from _twins(store)
        if ListName.WANTED in present:
            yield from _near_wanted(store)


def check_groups(store: sqlite3.Connection, quotas: Quotas) -> Iterator[ListProblem]:
    """Groups with a number of places that no entry of the allow list names."""
    for name in groups_without_entries(store, quotas):
        sentence = f"no entry is of the group {name!r}, to which access.groups gives places"
        yield ListProblem(ProblemKind.UNUSED_GROUP, ListName.ALLOW, "", sentence)


def check_plate(
    store: sqlite3.Connection, name: ListName, plate: str, fits: Callable[[str], bool]
) -> Iterator[ListProblem]:
    """The problems that a plate would have on a list, whether or not it is on it."""
    if doubt := _doubt(plate, fits):
        yield ListProblem(doubt[0], name, plate, doubt[1])
    if name is not ListName.ALLOW:
        return
    for other in ListName:
        if other is not name and entries_of_plate(store, other, plate):
            yield ListProblem(
                ProblemKind.SHADOWED, name, plate, f"is also on the {other} list", other.value
            )
    for wanted in plates_like(store, ListName.WANTED, (lookalike_key(plate),)):
        if wanted != plate:
            sentence = f"looks like {wanted}, which is wanted"
            yield ListProblem(ProblemKind.NEAR_WANTED, name, plate, sentence, wanted)
    for twin in plates_like(store, name, (lookalike_key(plate),)):
        if twin != plate:
            yield ListProblem(ProblemKind.TWIN, name, plate, f"looks like {twin}", twin)
    near = set(one_confusion_away(plate))
    keys = {lookalike_key(text) for text in near} - {lookalike_key(plate)}
    for twin in plates_like(store, name, keys):
        if twin in near:
            sentence = f"is easily misread as {twin}"
            yield ListProblem(ProblemKind.TWIN, name, plate, sentence, twin)


def _unchecked(store: sqlite3.Connection, name: ListName) -> Iterator[ListProblem]:
    state = list_state(store, name)
    if state is not None and not was_checked(store, state):
        sentence = (
            f"the list was imported by an older version, which dropped unknown characters from"
            f" plates; import {state.source} again to have every plate checked"
        )
        yield ListProblem(ProblemKind.UNCHECKED, name, "", sentence)


def _duplicates(store: sqlite3.Connection, name: ListName) -> Iterator[ListProblem]:
    rows = store.execute(
        f"SELECT plate, count(*), count(DISTINCT digest),"
        f" sum(valid_from IS NULL AND valid_until IS NULL AND hours = '' AND entries IS NULL)"
        f" FROM {table_of(name)} GROUP BY plate HAVING count(*) > 1"
    )
    for plate, count, different, unlimited in rows:
        if different < count or unlimited == count:
            yield ListProblem(ProblemKind.DUPLICATE, name, plate, f"appears {count} times")
        elif unlimited:
            yield ListProblem(
                ProblemKind.SHADOWED,
                name,
                plate,
                "has limits, but another entry of the same plate has none",
            )


def _by_entry(
    store: sqlite3.Connection, name: ListName, now: datetime, fits: Callable[[str], bool]
) -> Iterator[ListProblem]:
    for entry in all_entries(store, name):
        if entry.valid_until and entry.valid_until <= now:
            ended = entry.valid_until.astimezone(now.tzinfo)
            yield ListProblem(
                ProblemKind.EXPIRED, name, entry.plate, f"ended {ended:%Y-%m-%d %H:%M}"
            )
        if doubt := _doubt(entry.plate, fits):
            yield ListProblem(doubt[0], name, entry.plate, doubt[1])
        if unsafe := unsafe_characters(entry.holder + entry.group + entry.note):
            yield ListProblem(ProblemKind.UNSAFE_TEXT, name, entry.plate, unsafe)


def _doubt(plate: str, fits: Callable[[str], bool]) -> tuple[ProblemKind, str] | None:
    """Why a stored plate may not be the plate that was meant."""
    if not _PLATE.fullmatch(plate):
        return ProblemKind.NOT_A_PLATE, "is not 2 to 12 letters A-Z and digits"
    if _SCIENTIFIC.fullmatch(plate):
        return ProblemKind.SPREADSHEET, "looks like a number made by a spreadsheet"
    if fits(plate):
        return None
    for place in range(SHORTEST_OF_TWO, len(plate) - SHORTEST_OF_TWO + 1):
        first, second = plate[:place], _AND.sub("", plate[place:])
        if all(_is_mixed(half) and fits(half) for half in (first, second)):
            return ProblemKind.TWO_PLATES, f"may be two plates, {first} and {second}"
    return ProblemKind.NO_FORMAT, "fits no known plate format"


def _is_mixed(text: str) -> bool:
    return not text.isalpha() and not text.isdigit()


def _forbidden_too(store: sqlite3.Connection, other: ListName) -> Iterator[ListProblem]:
    rows = store.execute(
        f"SELECT DISTINCT a.plate FROM {table_of(ListName.ALLOW)} a"
        f" JOIN {table_of(other)} o ON o.plate = a.plate"
    )
    for (plate,) in rows:
        yield ListProblem(
            ProblemKind.SHADOWED, ListName.ALLOW, plate, f"is also on the {other} list"
        )


def _near_wanted(store: sqlite3.Connection) -> Iterator[ListProblem]:
    rows = store.execute(
        f"SELECT DISTINCT a.plate, w.plate FROM {table_of(ListName.WANTED)} w"
        f" JOIN {table_of(ListName.ALLOW)} a ON a.folded = w.folded AND a.plate <> w.plate"
    )
    for plate, wanted in rows:
        sentence = f"looks like {wanted}, which is wanted"
        yield ListProblem(ProblemKind.NEAR_WANTED, ListName.ALLOW, plate, sentence)


def _twins(store: sqlite3.Connection) -> Iterator[ListProblem]:
    table = table_of(ListName.ALLOW)
    rows = store.execute(
        f"SELECT DISTINCT a.plate, b.plate FROM {table} a JOIN {table} b"
        f" ON a.folded = b.folded AND a.plate < b.plate"
    )
    for plate, twin in rows:
        yield ListProblem(ProblemKind.TWIN, ListName.ALLOW, plate, f"looks like {twin}")
    state = list_state(store, ListName.ALLOW)
    if state is None or state.entries > MOST_FOR_ALL_CONFUSIONS:
        return
    for entry in all_entries(store, ListName.ALLOW):
        near = set(one_confusion_away(entry.plate))
        keys = {lookalike_key(text) for text in near}
        for twin in plates_like(store, ListName.ALLOW, keys - {lookalike_key(entry.plate)}):
            if entry.plate < twin and twin in near:
                yield ListProblem(
                    ProblemKind.TWIN, ListName.ALLOW, entry.plate, f"is easily misread as {twin}"
                )
