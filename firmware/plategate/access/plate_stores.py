# SPDX-License-Identifier: Apache-2.0
"""The stores of plates in `access`: lists with vehicle records, last good copies, visits."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from plategate.access.store.generation import put_generation
from plategate.access.store.history import (
    Author,
    ChangeKind,
    ListChange,
    create_history,
    next_number,
)
from plategate.access.store.layers import create_layers
from plategate.access.store.lists import ListName, list_state, table_of
from plategate.access.store.repair import aside_file, change_store
from plategate.access.store.rows import COLUMNS, entry_of
from plategate.access.store.vehicles import has_records, index_people
from plategate.access.sync.source_state import GOOD_FILE, PREVIEW_FILE, REFUSED_FILE, open_own
from plategate.access.visits import VisitStore
from plategate.clock import SystemClock
from plategate.plate_data.files import has_plate
from plategate.plate_data.interfaces import EraseRequest, Erasure, Holding, KeptKind
from plategate.plate_data.mention import Mention
from plategate.plate_data.sqlite_rows import (
    erase_in_file,
    erase_rows,
    find_in_file,
    purge_free_pages,
)
from plategate.settings.access import AccessSettings
from plategate.settings.sync import SyncSettings
from plategate.storage import storage_errors, transaction
from plategate.values import ListEntry

# Names of what the tables of lists.sqlite hold.
_TABLES = {
    "hand": "entry made by hand",
    "overridden": "entry of the source that a change by hand replaces",
    "before": "entry that a change replaced, kept for undo",
    "touched": "change of a list",
    "vehicles": "vehicle record",
    "history": "history of a list",
    "details": "reason of a change of a list",
    **{table_of(name): f"entry of the {name} list" for name in ListName},
}

# The tables of visits.sqlite with a plate; `places` has the group of a vehicle in `inside`.
_VISITS = {"inside": "vehicle inside", "leaving": "vehicle that is leaving"}


@dataclass(frozen=True)
class ListStore:
    """The lists, what undo keeps, and the vehicle records."""

    name: ClassVar[str] = "lists"
    settings: AccessSettings

    @property
    def folder(self) -> Path:
        """The folder of the database."""
        return self.settings.file.parent

    def kept(self) -> tuple[KeptKind, ...]:
        """Entries, their history and records."""
        days = self.settings.list_undo_days
        return (
            KeptKind(
                "entries of the allow, block and wanted lists: plate, holder, times, note",
                "decide who may pass",
                "until they are removed from the list",
            ),
            KeptKind("entries that changes replaced", "undo a change", f"{days} days"),
            KeptKind(
                "vehicle records: plate, owner, place, address",
                "show whose vehicle it is",
                "until the records are replaced",
            ),
        )

    def find(self, plate: str) -> list[Holding]:
        """Rows of all tables."""
        return [
            Holding(_TABLES.get(table, table), row)
            for table, row in find_in_file(self.settings.file, plate)
        ]

    def erase(self, asked: EraseRequest) -> Erasure:
        """Erase entries in force, both layers, undo and records; the file is written again."""
        remarks: tuple[str, ...] = ()
        counts: dict[str, int] = {}
        file, aside = self.settings.file, aside_file(self.settings.file)
        with storage_errors(file):
            if file.exists():
                counts = change_store(file, lambda store: self._erase(store, asked), None)
            if has_plate(aside, asked.plate):
                aside.unlink()
                remarks = (f"{aside.name}, a damaged database that was set aside, was deleted",)
        return Erasure(counts, remarks)

    def _erase(self, store: sqlite3.Connection, asked: EraseRequest) -> dict[str, int]:
        store.execute("PRAGMA secure_delete = ON")
        at = SystemClock().wall()
        with transaction(store):
            create_layers(store)
            create_history(store)
            counts = erase_rows(store, Mention(asked.plate))
            for name in ListName:
                if table_of(name) in counts:
                    _note_erasure(
                        store, name, Author(asked.who, at, "", self.settings.list_undo_days)
                    )
            if has_records(store) and "vehicles" in counts:
                index_people(store)
        purge_free_pages(store, self.settings.file)
        return {_TABLES.get(table, table): count for table, count in counts.items()}


def _note_erasure(store: sqlite3.Connection, name: ListName, author: Author) -> None:
    """Add the change to the history of a list, without the plate."""
    state = list_state(store, name)
    if state is None:
        return
    entries = store.execute(f"SELECT count(*) FROM {table_of(name)}").fetchone()[0]
    change = ListChange(
        name=name,
        generation=state.generation + 1,
        at=author.at,
        who=author.who,
        source="erasure of a plate",
        entries=entries,
        added=0,
        removed=0,
        changed=0,
        entries_before=state.entries,
        number=next_number(store),
        kind=ChangeKind.REMOVED,
        why=author.why,
    )
    put_generation(store, change, state, author, keep_checked=True)


@dataclass(frozen=True)
class SourceStore:
    """The last good and the last refused copy of each list source."""

    name: ClassVar[str] = "list sources"
    settings: SyncSettings

    @property
    def folder(self) -> Path:
        """The folder of the copies."""
        return self.settings.state_dir

    def kept(self) -> tuple[KeptKind, ...]:
        """The copies."""
        return (
            KeptKind(
                "the last good copy of each list source, and the last refused one",
                "restore the lists without network; find out why a list was refused",
                "until the next copy",
                len(self._copies()),
            ),
        )

    def find(self, plate: str) -> list[Holding]:
        """Copies that have the plate."""
        return [
            Holding("copy of a list source", {"source": file.parent.name, "file": str(file)})
            for file in self._copies()
            if self._has(file, plate)
        ]

    def erase(self, asked: EraseRequest) -> Erasure:
        """Delete copies that have the plate: the next sync downloads the list again.

        The plate stays out of the list (`ErasedPlates`) even where the source still has it.
        """
        remarks, deleted = [], 0
        for file in self._copies():
            if self._has(file, asked.plate):
                with storage_errors(file):
                    file.unlink()
                deleted += 1
                if file.name == GOOD_FILE:
                    remarks.append(
                        f"source {file.parent.name} has the plate: ask its operator to remove it;"
                        " the gate leaves it out"
                    )
        return Erasure({"copies of list sources": deleted} if deleted else {}, tuple(remarks))

    def _has(self, file: Path, plate: str) -> bool:
        with storage_errors(file), open_own(file) as stream:
            return has_plate(stream, plate)

    def _copies(self) -> list[Path]:
        with storage_errors(self.settings.state_dir):
            return [
                file
                for name in (GOOD_FILE, REFUSED_FILE, "download")
                for file in sorted(self.settings.state_dir.glob(f"*/{name}"))
            ] + [file for file in (self.settings.state_dir / PREVIEW_FILE,) if file.is_file()]


@dataclass(frozen=True)
class VisitsPlateStore:
    """The plates inside."""

    name: ClassVar[str] = "visits"
    settings: AccessSettings

    @property
    def folder(self) -> Path:
        """The folder of the database."""
        return self.settings.visits_file.parent

    def kept(self) -> tuple[KeptKind, ...]:
        """Plates inside; uses of entries are counted by hash."""
        return (
            KeptKind(
                "plates of vehicles that came in and did not leave yet",
                "anti-passback and occupancy",
                "until the vehicle leaves or is forgotten",
            ),
        )

    def find(self, plate: str) -> list[Holding]:
        """The vehicle inside."""
        return [
            Holding(_VISITS[table], row)
            for table, row in find_in_file(self.settings.visits_file, plate)
            if table in _VISITS
        ]

    def erase(self, asked: EraseRequest) -> Erasure:
        """Forget the vehicle inside and the uses of its entries; before the lists are erased."""
        uses = 0
        if self.settings.visits_file.exists():
            with closing(VisitStore(self.settings.visits_file)) as visits:
                uses = sum(map(visits.forget_uses, self._entries(asked.plate)))
        erased = erase_in_file(self.settings.visits_file, asked.plate)
        inside = sum(count for table, count in erased.items() if table in _VISITS)
        counts = {"vehicles inside": inside, "uses of entries": uses}
        return Erasure({name: count for name, count in counts.items() if count})

    def _entries(self, plate: str) -> list[ListEntry]:
        """The entries of a plate, in force or kept for undo."""
        rows = [row for _, row in find_in_file(self.settings.file, plate)]
        columns = COLUMNS.split(", ")
        return [
            entry_of([row[column] for column in columns])
            for row in rows
            if row.get("plate") == plate and row.keys() >= set(columns) and row["folded"]
        ]
