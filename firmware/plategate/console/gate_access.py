# SPDX-License-Identifier: Apache-2.0
"""What the console reads of the gate (status, journal, pictures, lists), and commands to it.

The console writes none of these files.
"""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from plategate.access.matching.candidates import wide_keys
from plategate.access.matching.likelihood import ReadingLikelihood
from plategate.access.store.database import ThreadConnections
from plategate.access.store.layers import PlateState, plate_state
from plategate.access.store.lists import (
    ListName,
    ListState,
    entries_containing,
    entries_like,
    list_state,
)
from plategate.access.visits import read_uses
from plategate.errors import GateError
from plategate.health.socket import ask_status
from plategate.journal.alarms import Alarm, newest_alarms
from plategate.journal.chain import ChainReport, verify_chain
from plategate.journal.reader import EventFilter, JournalReader, StoredEvent
from plategate.messages import CommandName
from plategate.plates.confusions import installed_confusions
from plategate.plates.text import ALPHABET
from plategate.plates.written import PlateTextError, parse_plate
from plategate.remote.client import new_request, send_command
from plategate.remote.protocol import CommandAnswer, ServiceName, encode, parse_request
from plategate.settings import Settings
from plategate.storage import storage_errors
from plategate.values import ListEntry, PlateReading

MOST_NEAREST = 6
PICTURE_TYPES = {".jpg": "image/jpeg", ".png": "image/png"}


class GateAccess:
    """Reads one gate and commands it; for any thread. Methods raise GateError with a sentence."""

    def __init__(self, settings: Settings) -> None:
        """Open nothing yet: files and sockets may appear later."""
        self._settings = settings
        self._lists = ThreadConnections(settings.access.file)
        self._readers = threading.local()

    @property
    def journal_dir(self) -> Path:
        """The folder of the journal."""
        return self._settings.journal.dir

    def status(self) -> dict[str, Any]:
        """The status of the running gate."""
        return ask_status(self._settings.health.socket)

    def passages(
        self, limit: int, searched: str = "", result: str | None = None, before: int | None = None
    ) -> list[StoredEvent]:
        """The newest passages, before a sequence number, whose plate contains what is searched."""
        wanted = EventFilter(plate_part=plate_part(searched) or None, result=result, before=before)
        return self._journal().newest(limit, wanted)

    def newest(self, limit: int, wanted: EventFilter) -> list[StoredEvent]:
        """The newest events that pass a filter."""
        return self._journal().newest(limit, wanted)

    def events_after(self, sequence: int, limit: int) -> list[StoredEvent]:
        """The next events after a sequence number, oldest first."""
        return self._journal().events_after(sequence, limit)

    def position(self) -> tuple[int, int]:
        """The identity of the journal, and the sequence number of its newest event."""
        journal = self._journal()
        return journal.identity(), journal.newest_sequence()

    def passages_since(self, since: datetime, limit: int) -> list[StoredEvent]:
        """The newest passages since a time."""
        return self._journal().newest(limit, EventFilter(since=since))

    def passage(self, passage_id: str) -> list[StoredEvent]:
        """One passage and the events that belong to it; empty if there is none."""
        return self._journal().passage(passage_id)

    def events(self, limit: int) -> list[StoredEvent]:
        """The newest events that are not passages."""
        return self._journal().newest(limit, EventFilter(kind="event"))

    def alarms(self, limit: int, before: int | None = None) -> list[Alarm]:
        """The newest alarms, before a sequence number."""
        return newest_alarms(self._journal(), limit, before)

    def verify(self) -> ChainReport:
        """Check the hash chain of the journal."""
        return self._journal().read(verify_chain)

    def picture(self, passage: StoredEvent, kind: str) -> tuple[bytes, str] | None:
        """Content and media type of a picture of a passage."""
        name = dict(passage.evidence).get(kind)
        if name is None:
            return None
        folder = self._settings.journal.dir.resolve()
        file = (folder / name).resolve()
        if not file.is_relative_to(folder) or file.suffix not in PICTURE_TYPES:
            return None
        try:
            return file.read_bytes(), PICTURE_TYPES[file.suffix]
        except FileNotFoundError:
            return None  # removed after journal.evidence_days
        except OSError as error:
            raise GateError(f"{file}: {error.strerror}") from error

    def list_states(self) -> dict[ListName, ListState | None]:
        """The state of every list; None for one that was never imported."""
        file = self._settings.access.file
        if not file.exists():
            return dict.fromkeys(ListName)
        with storage_errors(file):
            store = self._lists.get()
            return {name: list_state(store, name) for name in ListName}

    def entries(self, name: ListName, searched: str, offset: int, limit: int) -> list[ListEntry]:
        """Entries of a list that contain what is searched in plate or holder, in file order."""
        file = self._settings.access.file
        if not file.exists():
            return []
        with storage_errors(file):
            store = self._lists.get()
            # No plate is \x00: the search then finds holders only.
            part = (plate_part(searched) or "\x00") if searched.strip() else ""
            return list(entries_containing(store, name, part, searched.strip(), offset, limit))

    def plate_state(self, name: ListName, plate: str) -> PlateState:
        """The entries of a canonical plate: those of the source, and those made by hand."""
        file = self._settings.access.file
        if not file.exists():
            return PlateState()
        with storage_errors(file):
            return plate_state(self._lists.get(), name, plate)

    def uses_of(self, entry: ListEntry) -> int:
        """How often an entry has opened the gate."""
        return read_uses(self._settings.access.visits_file, entry)

    def nearest(self, found: StoredEvent) -> list[tuple[ListName, ListEntry]]:
        """Entries whose plates nearly explain the reading of a passage, likeliest first.

        None for characters that no reader returns, as in a journal that was changed.
        """
        reading = found.passage.reading
        file = self._settings.access.file
        if reading is None or not reading.text or not file.exists():
            return []
        if any(character.char not in ALPHABET for character in reading.characters):
            return []
        with storage_errors(file):
            return nearest_entries(self._lists.get(), reading)

    def command(
        self,
        command: CommandName | ServiceName,
        *,
        identity: str,
        why: str,
        who: str,
        source: str,
        mode: str | None = None,
        data: dict[str, Any] | None = None,
        via: str = "console",
        expires_at: datetime | None = None,
        only_for_vehicle: bool = False,
    ) -> CommandAnswer:
        """The gate's answer; `identity` makes a command that is sent twice move once."""
        request = new_request(
            command, why=why, who=who, via=via, source=source, mode=mode, data=data
        )
        request = replace(
            request,
            id=identity,
            expires_at=expires_at or request.expires_at,
            only_for_vehicle=only_for_vehicle,
        )
        parse_request(encode(request))  # the same checks as at the gate, before anything is sent
        return send_command(self._settings.commands.socket, request)

    def _journal(self) -> JournalReader:
        reader: JournalReader | None = getattr(self._readers, "reader", None)
        if reader is None:
            reader = self._readers.reader = JournalReader(self._settings.journal.dir)
        return reader


def plate_part(searched: str) -> str:
    """What somebody typed as a part of a canonical plate; "" where it cannot be one."""
    try:
        return parse_plate(searched)
    except PlateTextError:
        return "".join(char for char in searched.upper() if char.isascii() and char.isalnum())


def nearest_entries(
    store: sqlite3.Connection, reading: PlateReading
) -> list[tuple[ListName, ListEntry]]:
    """At most MOST_NEAREST entries, one character or some look-alikes away, likeliest first."""
    likelihood = ReadingLikelihood(reading, installed_confusions())
    keys = wide_keys(reading)
    found = [(name, entry) for name in ListName for entry in entries_like(store, name, keys)]
    found.sort(key=lambda pair: -likelihood.of(pair[1].plate))
    return found[:MOST_NEAREST]
