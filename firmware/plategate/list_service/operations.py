# SPDX-License-Identifier: Apache-2.0
"""Follow requests to the list service: change the lists, and read history, differences and files.

Times of entries are in the zone of the site, as in a list file; other times are ISO 8601 in UTC.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from functools import cached_property
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

from plategate.access.editing import ListEditor
from plategate.access.files.export import writer_for
from plategate.access.files.owner_files import ReadingOptions
from plategate.access.files.workbooks import write_template
from plategate.access.matching.list_check import check_plate
from plategate.access.store.database import open_for_reading
from plategate.access.store.differences import PlateDifference, differences
from plategate.access.store.history import ListChange, change_numbered, list_history, plates_of
from plategate.access.store.importing import import_list_file
from plategate.access.store.lists import ListName, all_entries
from plategate.clock import SystemClock
from plategate.errors import ListError
from plategate.list_service.documents import (
    DIFFERENCES,
    FIRST_PLATES,
    Document,
    change_document,
    difference_documents,
    stored_change,
)
from plategate.list_service.messages import (
    LONGEST_CONTENT_BYTES,
    ListAnswer,
    ListOperation,
    ListRequest,
    ListResult,
)
from plategate.list_service.preview import is_wanted, read_preview, want_preview
from plategate.plate_data.tombstones import ErasedPlates
from plategate.plates.formats import PlateFormats, known_countries
from plategate.plates.written import PlateTextError, parse_plate
from plategate.schedule.zone import site_zone
from plategate.settings import Settings
from plategate.values import ListEntry

CHANGES = 50  # shown where a request has no limit


class ListOperations:
    """Follows one request at a time. Raises ListError and StoreError with a sentence."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._zone = site_zone(settings.access.zone)
        self._operations: dict[ListOperation, Callable[[ListRequest], ListAnswer]] = {
            ListOperation.ADD: self._change,
            ListOperation.EDIT: self._change,
            ListOperation.REMOVE: self._change,
            ListOperation.FOLLOW: self._change,
            ListOperation.UNDO: self._change,
            ListOperation.FORGET: self._forget,
            ListOperation.IMPORT: self._import,
            ListOperation.CHECK: self._check,
            ListOperation.HISTORY: self._history,
            ListOperation.DIFF: self._diff,
            ListOperation.EXPORT: self._export,
            ListOperation.TEMPLATE: self._template,
            ListOperation.PREVIEW: self._preview,
        }

    def follow(self, request: ListRequest) -> ListAnswer:
        """The answer to a request that has been parsed."""
        return self._operations[request.operation](request)

    def _change(self, request: ListRequest) -> ListAnswer:
        editor = ListEditor(self._settings.access, request.who, request.why, request.id)
        wanted = request.arguments
        name = wanted.get("list", ListName.ALLOW)
        match request.operation:
            case ListOperation.ADD:
                change = editor.add(name, wanted["fields"], also=wanted.get("also", False))
            case ListOperation.EDIT:
                change = editor.edit(name, _plate(wanted["plate"]), wanted["fields"])
            case ListOperation.REMOVE:
                change = editor.remove(name, _plate(wanted["plate"]))
            case ListOperation.FOLLOW:
                change = editor.follow(name, _plate(wanted["plate"]))
            case _:
                change = editor.undo(wanted.get("number"), wanted.get("list"))
        with self._reading() as store:
            return _changed(request, stored_change(store, change))

    def _forget(self, request: ListRequest) -> ListAnswer:
        wanted = request.arguments
        editor = ListEditor(self._settings.access, request.who, request.why)
        forgotten = editor.forget(wanted["list"], _plate(wanted["plate"]), wanted["note"])
        return _read(request, forgotten=forgotten)

    def _import(self, request: ListRequest) -> ListAnswer:
        wanted, settings = request.arguments, self._settings
        found: list[PlateDifference] = []
        notes: list[str] = []
        limit = wanted.get("limit", DIFFERENCES)
        plates: list[str] = []

        def collect(store: sqlite3.Connection, change: ListChange) -> None:
            found.extend(islice(differences(store, change), limit))
            plates.extend(plates_of(store, change.number, FIRST_PLATES))

        erased = ErasedPlates(settings.privacy.dir)
        change = import_list_file(
            settings.access,
            Path(Path(wanted["file"]).name),
            content=request.content,
            name=wanted.get("list"),
            who=request.who,
            why=request.why,
            request=request.id,
            dry_run=wanted.get("dry_run", False),
            force=wanted.get("force", False),
            allow_empty=wanted.get("allow_empty", False),
            drop_by_hand=wanted.get("drop_by_hand", False),
            shrink_limit_percent=settings.sync.shrink_limit_percent,
            inspect=collect,
            reading=ReadingOptions(
                wanted.get("columns", {}), wanted.get("dates"), wanted.get("sheet")
            ),
            note=notes.append,
            erased=erased,
        )
        if erased.sentence:
            notes.append(erased.sentence)
        return _changed(
            request,
            change_document(change, plates),
            dry_run=wanted.get("dry_run", False),
            differences=difference_documents(found, self._zone),
            notes=notes,
        )

    def _check(self, request: ListRequest) -> ListAnswer:
        name, plate = request.arguments["list"], _plate(request.arguments["plate"])
        if not self._settings.access.file.exists():
            return _read(request, plate=plate, problems=[])
        with self._reading() as store:
            problems = [
                {"kind": found.kind.value, "sentence": found.sentence, "other": found.other}
                for found in check_plate(store, name, plate, self._formats.fits)
            ]
        return _read(request, plate=plate, problems=problems)

    def _history(self, request: ListRequest) -> ListAnswer:
        wanted = request.arguments
        if not self._settings.access.file.exists():
            return _read(request, changes=[])
        limit, before = wanted.get("limit", CHANGES), wanted.get("before")
        with self._reading() as store:
            shown = list_history(store, wanted.get("list"), limit, before)
            return _read(request, changes=[stored_change(store, each) for each in shown])

    def _diff(self, request: ListRequest) -> ListAnswer:
        number = request.arguments["number"]
        with self._reading() as store:
            change = change_numbered(store, number)
            if change is None:
                raise ListError(f"there is no change {number}")
            limit = request.arguments.get("limit", DIFFERENCES)
            found = list(islice(differences(store, change), limit))
            return _read(
                request,
                change=stored_change(store, change),
                differences=difference_documents(found, self._zone),
            )

    def _export(self, request: ListRequest) -> ListAnswer:
        stream = BytesIO()
        name = request.arguments["list"]
        with self._reading() as store:
            write = writer_for(request.arguments["form"])
            count = write(stream, _bounded(all_entries(store, name), stream), self._zone, name)
        _check_length(stream)
        return ListAnswer(
            request.id, ListResult.DONE, value={"entries": count}, content=stream.getvalue()
        )

    def _template(self, request: ListRequest) -> ListAnswer:
        return ListAnswer(request.id, ListResult.DONE, content=write_template())

    def _preview(self, request: ListRequest) -> ListAnswer:
        folder, now = self._settings.sync.state_dir, SystemClock().wall()
        if request.arguments.get("start", False):
            want_preview(folder)
        return _read(
            request,
            sources=[source.name for source in self._settings.sync.sources],
            wanted=is_wanted(folder, now),
            preview=read_preview(folder, now),
        )

    def _reading(self) -> closing[sqlite3.Connection]:
        return closing(open_for_reading(self._settings.access.file))

    @cached_property
    def _formats(self) -> PlateFormats:
        return PlateFormats(self._settings.format_countries or known_countries())


def _bounded(entries: Iterable[ListEntry], stream: BytesIO) -> Iterator[ListEntry]:
    """The entries, until what is written of them is longer than an answer; then ListError."""
    for entry in entries:
        _check_length(stream)
        yield entry


def _check_length(stream: BytesIO) -> None:
    if stream.tell() > LONGEST_CONTENT_BYTES:
        raise ListError(
            f"the file is longer than {LONGEST_CONTENT_BYTES // 1_048_576} MB;"
            " export it on the gate: sudo plategate list export FILE"
        )


def _changed(request: ListRequest, change: Document, **more: Any) -> ListAnswer:
    result = ListResult.REPEATED if change["repeated"] else ListResult.DONE
    return ListAnswer(request.id, result, value={"change": change, **more})


def _read(request: ListRequest, **value: Any) -> ListAnswer:
    return ListAnswer(request.id, ListResult.DONE, value=value)


def _plate(written: str) -> str:
    try:
        return parse_plate(written)
    except PlateTextError as error:
        raise ListError(f"plate = {written!r}: {error}") from None
