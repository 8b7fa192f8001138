# SPDX-License-Identifier: Apache-2.0
"""Import a file of entries or records from disk into the store, whole or not at all."""

from __future__ import annotations

from pathlib import Path

from plategate.access.entry_files import read_entries
from plategate.access.list_changes import ListChange, replace_list
from plategate.access.lists import ListName
from plategate.access.record_files import read_records
from plategate.access.records import replace_records
from plategate.access.store import open_for_writing, store_errors
from plategate.access.zone import site_zone
from plategate.clock import SystemClock
from plategate.errors import ListError, RecordError
from plategate.settings.access import AccessSettings


def import_list_file(
    settings: AccessSettings,
    file: Path,
    *,
    name: ListName | None,
    who: str,
    dry_run: bool = False,
    allow_empty: bool = False,
) -> ListChange:
    """Put the entries of a file in force; `name` wins over what the file says, then `allow`."""

    def refuse_empty(change: ListChange) -> None:
        if not change.entries and not allow_empty:
            raise ListError(f"{file}: has no entries; --allow-empty if nobody is to pass")

    try:
        with file.open("rb") as stream:
            found = read_entries(stream, str(file), site_zone(settings.zone))
            store = open_for_writing(settings.file)
            try:
                with store_errors(settings.file):
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
            finally:
                store.close()
    except OSError as error:
        raise ListError(f"{file}: cannot be read: {error.strerror}") from error


def import_record_file(settings: AccessSettings, file: Path) -> int:
    """Put the records of a file in place of all that were there; returns how many."""
    try:
        with file.open("rb") as stream:
            found = read_records(stream, str(file))
            store = open_for_writing(settings.file)
            try:
                with store_errors(settings.file):
                    return replace_records(store, found.records)
            finally:
                store.close()
    except OSError as error:
        raise RecordError(f"{file}: cannot be read: {error.strerror}") from error
