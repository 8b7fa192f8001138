# SPDX-License-Identifier: Apache-2.0
"""Change the lists by hand, as the command line and the console do: add, edit, remove, undo.

Fields are texts as in a list file (`files.entries`) and are checked in the same way. Each function
runs as the owner of the database, changes it in one transaction or not at all, and raises ListError
or StoreError with a sentence for the user.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from plategate.access.files.entries import entry_from, fields_of
from plategate.access.store.by_hand import (
    add_by_hand,
    edit_by_hand,
    follow_source,
    forget_plate,
    only_entry,
    remove_by_hand,
)
from plategate.access.store.generation import change_of_request, settle_lists
from plategate.access.store.history import Author, ListChange
from plategate.access.store.lists import ListName, entries_of_plate
from plategate.access.store.repair import change_store
from plategate.access.store.undo import undo_change
from plategate.clock import SystemClock
from plategate.errors import ListError
from plategate.plates.text import canonical
from plategate.schedule.zone import site_zone
from plategate.settings.access import AccessSettings
from plategate.storage import storage_errors
from plategate.users import as_owner_of

LONGEST_WHY = 200  # characters


@dataclass(frozen=True, slots=True)
class ListEditor:
    """Changes lists in the name of one user.

    `request` is an id: if it made a change before, that one is returned and nothing is changed.
    """

    settings: AccessSettings
    who: str
    why: str = ""
    request: str = ""

    def add(
        self, name: ListName, fields: Mapping[str, object], *, also: bool = False
    ) -> ListChange:
        """Add an entry; with `also` the plate may have one already."""
        entry = entry_from(fields, site_zone(self.settings.zone))
        return self._changed(lambda store, who: add_by_hand(store, name, entry, who, also=also))

    def edit(self, name: ListName, plate: str, changes: Mapping[str, object]) -> ListChange:
        """Change fields of the only entry of a canonical plate; an empty text clears a field."""
        zone = site_zone(self.settings.zone)

        def edited(store: sqlite3.Connection, author: Author) -> ListChange:
            entry = only_entry(name, plate, entries_of_plate(store, name, plate))
            if not changes:
                raise ListError("fields: name at least one field to change")
            if "plate" in changes and canonical(str(changes["plate"])) != plate:
                raise ListError(
                    f"plate = {changes['plate']!r}: an edit cannot change the plate;"
                    f" remove {plate} and add the other"
                )
            fields = {**fields_of(entry, zone), **changes, "plate": plate}
            return edit_by_hand(store, name, entry_from(fields, zone), author)

        return self._changed(edited, new=False)

    def remove(self, name: ListName, plate: str) -> ListChange:
        """Remove all entries of a canonical plate; it stays removed if the source has it."""
        return self._changed(lambda store, who: remove_by_hand(store, name, plate, who), new=False)

    def follow(self, name: ListName, plate: str) -> ListChange:
        """Withdraw what was changed by hand, so that the plate follows its source again."""
        return self._changed(lambda store, who: follow_source(store, name, plate, who), new=False)

    def forget(self, name: ListName, plate: str, note: str) -> bool:
        """Delete what the history keeps of a plate; see `store.by_hand`."""
        with as_owner_of(self.settings.file.parent):
            return change_store(
                self.settings.file,
                lambda store: forget_plate(store, name, plate, note),
                None,
                trial=not _exists(self.settings.file),
            )

    def undo(self, number: int | None = None, name: ListName | None = None) -> ListChange:
        """Undo a change, or the newest one; see `store.undo`."""
        return self._changed(lambda store, who: undo_change(store, number, name, who), new=False)

    def _changed(
        self, work: Callable[[sqlite3.Connection, Author], ListChange], *, new: bool = True
    ) -> ListChange:
        """The change; without `new` no database is created, as `work` refuses an empty one."""
        if len(self.why) > LONGEST_WHY:
            raise ListError(f"why: longer than {LONGEST_WHY} characters")
        settings = self.settings
        author = Author(
            self.who, SystemClock().wall(), self.why, settings.list_undo_days, self.request
        )
        with as_owner_of(settings.file.parent):
            # A damaged database is not set aside: a new one would hold nothing but this plate.
            return change_store(
                settings.file,
                lambda store: _settled(store, author, work),
                None,
                trial=not new and not _exists(settings.file),
            )


def _exists(file: Path) -> bool:
    with storage_errors(file):
        return file.exists()


def _settled(
    store: sqlite3.Connection,
    author: Author,
    work: Callable[[sqlite3.Connection, Author], ListChange],
) -> ListChange:
    settle_lists(store, author.at, author.undo_days)
    return change_of_request(store, author.request) or work(store, author)
