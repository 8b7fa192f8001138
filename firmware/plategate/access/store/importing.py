# SPDX-License-Identifier: Apache-2.0
"""Import a list or record file from disk into the database, completely or not at all."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Container, Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, TypeVar

from plategate.access.files.owner_files import ReadingOptions, read_owner_file
from plategate.access.files.vehicles import read_records
from plategate.access.store.changes import Inspect, replace_list
from plategate.access.store.generation import change_of_request
from plategate.access.store.history import ListChange
from plategate.access.store.lists import ListName
from plategate.access.store.repair import change_store
from plategate.access.store.vehicles import replace_records
from plategate.clock import SystemClock
from plategate.errors import GateError, ListError, RecordError, reason_of
from plategate.schedule.zone import site_zone
from plategate.settings.access import AccessSettings
from plategate.users import as_owner_of
from plategate.values import ListEntry

Answer = TypeVar("Answer")


def _ignore(message: str) -> None:
    del message


def import_list_file(
    settings: AccessSettings,
    file: Path,
    *,
    name: ListName | None,
    who: str,
    dry_run: bool = False,
    allow_empty: bool = False,
    force: bool = False,
    drop_by_hand: bool = False,
    why: str = "",
    shrink_limit_percent: int = 100,
    report: Callable[[str], None] = _ignore,
    inspect: Inspect | None = None,
    reading: ReadingOptions | None = None,
    note: Callable[[str], None] = _ignore,
    content: bytes | None = None,
    request: str = "",
    erased: Container[str] = (),
) -> ListChange:
    """Replace a list by the entries of a file, or of its `content`; `file` is then only its name.

    The list is `name` or the one that the file names; `allow` if neither is given. Unless `force`
    is set, a file is refused that names another list than `name`, or that removes a larger share
    of the entries than `shrink_limit_percent`. What was changed by hand outranks the file unless
    `drop_by_hand` is set. `report` receives a message if a damaged database had to be set aside;
    `inspect` may read the changed list, also in a dry run. `note` receives what had to be
    interpreted, such as names of columns and the order of dates. `request` is an id: if it made a
    change before, that one is returned and nothing is changed.
    `erased` plates are left out.
    """
    in_file = 0

    def counted(entries: Iterator[ListEntry]) -> Iterator[ListEntry]:
        nonlocal in_file
        for in_file, entry in enumerate(entries, start=1):  # noqa: B007 -- the count is the result
            if entry.plate not in erased:
                yield entry

    def check_size(change: ListChange) -> None:
        if not in_file:
            if not allow_empty:
                raise ListError(f"{file}: has no entries; use --allow-empty if nobody is to pass")
        elif not force and shrinks(change.entries_before, change.entries, shrink_limit_percent):
            raise ListError(
                f"{file}: would replace {change.entries_before} entries of the {change.name} list"
                f" by {change.entries}; use --force if that is meant"
            )

    def replace(store: sqlite3.Connection, stream: BinaryIO) -> ListChange:
        if earlier := change_of_request(store, request):
            return earlier
        zone, options = site_zone(settings.zone), reading or ReadingOptions()
        opened = read_owner_file(stream, str(file), zone, options)
        for sentence in opened.notes:
            note(sentence)
        found = opened.file
        if not force and name is not None and found.list not in (None, name):
            raise ListError(
                f"{file}: is the {found.list} list, not the {name} list;"
                " use --force if that is meant"
            )
        return replace_list(
            store,
            name or found.list or ListName.ALLOW,
            counted(found.entries),
            who=who,
            why=why,
            at=SystemClock().wall(),
            source=file.name,
            serial=found.serial,
            guard=check_size,
            inspect=inspect,
            drop_by_hand=drop_by_hand,
            undo_days=settings.list_undo_days,
            request=request,
            dry_run=dry_run,
        )

    if content is not None:
        return _replaced(settings.file, BytesIO(content), replace, report, dry_run)
    return _imported(settings.file, file, replace, report, ListError, dry_run)


def import_record_file(
    settings: AccessSettings,
    file: Path,
    report: Callable[[str], None] = _ignore,
    *,
    force: bool = False,
    shrink_limit_percent: int = 100,
    erased: Container[str] = (),
) -> int:
    """Replace all records by those of a file without `erased` plates; returns their number."""

    def check_size(before: int, after: int) -> None:
        if not force and shrinks(before, after, shrink_limit_percent):
            raise RecordError(
                f"{file}: would replace {before} records by {after}; use --force if that is meant"
            )

    def replace(store: sqlite3.Connection, stream: BinaryIO) -> int:
        found = read_records(stream, str(file)).records
        records = (record for record in found if record.plate not in erased)
        return replace_records(store, records, check_size)

    return _imported(settings.file, file, replace, report, RecordError)


def shrinks(before: int, after: int, limit_percent: int) -> bool:
    """Whether a change loses a larger share than the limit."""
    return after * 100 < before * (100 - limit_percent)


def _without_waiting(path: str, flags: int) -> int:
    """Open a file; a named pipe that nobody writes to would block for ever."""
    return os.open(path, flags | os.O_NONBLOCK)


def _imported(
    store_file: Path,
    file: Path,
    replace: Callable[[sqlite3.Connection, BinaryIO], Answer],
    report: Callable[[str], None],
    refusal: type[GateError],
    dry_run: bool = False,
) -> Answer:
    """The result of `replace` with an open file."""
    try:
        with open(file, "rb", opener=_without_waiting) as stream:
            if not stream.seekable():
                raise refusal(f"{file}: is a pipe; save it to a file first")
            return _replaced(store_file, stream, replace, report, dry_run)
    except OSError as error:
        raise refusal(f"{file}: cannot be read: {reason_of(error)}") from error


def _replaced(
    store_file: Path,
    stream: BinaryIO,
    replace: Callable[[sqlite3.Connection, BinaryIO], Answer],
    report: Callable[[str], None],
    dry_run: bool,
) -> Answer:
    """The result of `replace`; it runs again if a damaged database had to be set aside.

    A dry run creates no database and sets none aside.
    """

    def work(store: sqlite3.Connection) -> Answer:
        stream.seek(0)
        return replace(store, stream)

    # The file was opened as the caller, who may be root; the store is its owner's.
    with as_owner_of(store_file.parent):
        return change_store(store_file, work, report, trial=dry_run)
