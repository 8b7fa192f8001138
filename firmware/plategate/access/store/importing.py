# SPDX-License-Identifier: Apache-2.0
"""Import a file of entries or records from disk into the store, whole or not at all."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, TypeVar

from plategate.access.files.entries import read_entries
from plategate.access.files.vehicles import read_records
from plategate.access.store.changes import ListChange, replace_list
from plategate.access.store.lists import ListName
from plategate.access.store.repair import change_store
from plategate.access.store.vehicles import replace_records
from plategate.clock import SystemClock
from plategate.errors import GateError, ListError, RecordError, reason_of
from plategate.schedule.zone import site_zone
from plategate.settings.access import AccessSettings

Answer = TypeVar("Answer")


def _nobody(sentence: str) -> None:
    del sentence


def import_list_file(
    settings: AccessSettings,
    file: Path,
    *,
    name: ListName | None,
    who: str,
    dry_run: bool = False,
    allow_empty: bool = False,
    tell: Callable[[str], None] = _nobody,
) -> ListChange:
    """Put the entries of a file in force; `name` wins over what the file says, then `allow`.

    `tell` hears of a damaged store that had to be set aside.
    """

    def refuse_empty(change: ListChange) -> None:
        if not change.entries and not allow_empty:
            raise ListError(f"{file}: has no entries; --allow-empty if nobody is to pass")

    def replace(store: sqlite3.Connection, stream: BinaryIO) -> ListChange:
        found = read_entries(stream, str(file), site_zone(settings.zone))
        return replace_list(
            store,
            name or found.list or ListName.ALLOW,
            found.entries,
            who=who,
            at=SystemClock().wall(),
            source=file.name,
            serial=found.serial,
            guard=refuse_empty,
            dry_run=dry_run,
        )

    return _imported(settings.file, file, replace, None if dry_run else tell, ListError)


def import_record_file(
    settings: AccessSettings, file: Path, tell: Callable[[str], None] = _nobody
) -> int:
    """Put the records of a file in place of all that were there; returns how many."""

    def replace(store: sqlite3.Connection, stream: BinaryIO) -> int:
        return replace_records(store, read_records(stream, str(file)).records)

    return _imported(settings.file, file, replace, tell, RecordError)


def _imported(
    store_file: Path,
    file: Path,
    replace: Callable[[sqlite3.Connection, BinaryIO], Answer],
    tell: Callable[[str], None] | None,
    fault: type[GateError],
) -> Answer:
    """What `replace` makes of the file; it is read once more where a damaged store was mended."""

    def work(store: sqlite3.Connection) -> Answer:
        stream.seek(0)
        return replace(store, stream)

    try:
        with file.open("rb") as stream:
            if not stream.seekable():
                raise fault(f"{file}: is a pipe; put it into a file first")
            return change_store(store_file, work, tell)
    except OSError as error:
        raise fault(f"{file}: cannot be read: {reason_of(error)}") from error
