# SPDX-License-Identifier: Apache-2.0
"""Changes and differences of the lists as JSON types, as list-service.md describes them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

from plategate.access.files.entries import fields_of
from plategate.access.store.differences import PlateDifference
from plategate.access.store.history import ListChange, plates_of

FIRST_PLATES = 3  # of a change, in its document
DIFFERENCES = 200  # shown where a request has no limit

Document = dict[str, Any]


def stored_change(store: sqlite3.Connection, change: ListChange) -> Document:
    """A change with the first plates that it touched."""
    return change_document(change, plates_of(store, change.number, FIRST_PLATES))


def change_document(change: ListChange, plates: Iterable[str]) -> Document:
    """A change; `plates` are the first plates that it touched."""
    first = list(plates)
    return {
        "number": change.number,
        "list": change.name,
        "generation": change.generation,
        "at": change.at.isoformat(),
        "who": change.who,
        "why": change.why,
        "kind": change.kind.value,
        "source": change.source,
        "entries": change.entries,
        "entries_before": change.entries_before,
        "added": change.added,
        "removed": change.removed,
        "changed": change.changed,
        "plates": first,
        "undoes": change.undoes,
        "undone": change.undone,
        "was_sync": change.was_sync,
        "can_undo": bool(first) and not change.undone,
        "kept": change.kept,
        "kept_out": change.kept_out,
        "repeated": change.repeated,
    }


def difference_documents(found: Iterable[PlateDifference], zone: ZoneInfo) -> list[Document]:
    """Each plate with its entries before and after, as fields of a list file."""
    return [
        {
            "plate": each.plate,
            "before": [fields_of(entry, zone) for entry in each.before],
            "after": [fields_of(entry, zone) for entry in each.after],
        }
        for each in found
    ]
