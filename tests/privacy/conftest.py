# SPDX-License-Identifier: Apache-2.0
"""A whole state folder in which one plate is everywhere, and a search that knows no format."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from plategate.access.editing import ListEditor
from plategate.access.store.changes import replace_list
from plategate.access.store.lists import ListName
from plategate.access.store.repair import change_store
from plategate.access.store.vehicles import replace_records
from plategate.access.visits import Direction, EntryUse, VisitStore
from plategate.console.database import ConsoleDatabase
from plategate.journal import Journal, open_journal
from plategate.outbound.dead_letters import DeadLetters
from plategate.outbound.message import Message
from plategate.samples.store import FOLDER, Sample, SampleStore
from plategate.settings import Settings, load_settings
from plategate.values import (
    CharacterReading,
    GateEvent,
    ListEntry,
    Passage,
    PlateReading,
    PlateSighting,
    Reason,
    Result,
    Still,
    VehicleRecord,
    Verdict,
)

PLATE, OTHER = "MAB123", "KXY789"
SPELLINGS = ("MAB123", "M-AB 123", "m ab-123", "M·AB·123", "M\\u00b7AB", "M AB 123")
NOW = datetime.now(UTC)
Fill = Callable[[], Journal]
NOISE = np.random.default_rng(1).integers(0, 255, (300, 400, 3), np.uint8)


@dataclass(frozen=True)
class Device:
    """A state folder with its settings file."""

    folder: Path
    config: Path

    @property
    def settings(self) -> Settings:
        return load_settings(self.config)

    def files_with_the_plate(self) -> list[str]:
        """Files that have the plate in any spelling and encoding; knows nothing of formats."""
        forms = {
            text.encode(encoding)
            for spelling in SPELLINGS
            for text in (spelling, spelling.lower(), spelling.upper())
            for encoding in ("utf-8", "utf-16-le", "utf-16-be", "cp1252")
        }
        return [
            str(file.relative_to(self.folder))
            for file in sorted(self.folder.rglob("*"))
            if file.is_file() and any(form in file.read_bytes() for form in forms)
        ]


@pytest.fixture
def device(tmp_path: Path) -> Device:
    """A device without any plate; its folders are named as on a gate."""
    return make_device(tmp_path)


def make_device(folder: Path) -> Device:
    """Settings in `folder`/etc, whose state is in `folder`/state."""
    state, config = folder / "state", folder / "etc" / "settings.toml"
    state.mkdir()
    config.parent.mkdir()
    (state / "outbound").mkdir()
    config.write_text(
        f"""
[access]
file = "{state}/lists/lists.sqlite"
visits_file = "{state}/gate/shared/visits.sqlite"
clock_stamp = "{state}/gate/gate/clock-stamp"
[sync]
state_dir = "{state}/lists/sources"
[outbound]
state_dir = "{state}/outbound"
[console]
state_dir = "{state}/console"
[journal]
dir = "{state}/gate/gate"
[privacy]
dir = "{state}/privacy"
[commands]
socket = "{folder}/command.sock"
owner_settings_file = "{state}/gate/gate/owner-settings.json"
"""
    )
    return Device(state, config)


@pytest.fixture
def fill(device: Device) -> Iterator[Callable[[], Journal]]:
    """Puts the plate into every store; returns the open journal."""
    opened: list[Journal] = []

    def filled() -> Journal:
        opened.append(fill_device(device))
        return opened[0]

    yield filled
    for journal in opened:
        journal.close()


def fill_device(device: Device) -> Journal:
    """Put the plate into every store; the open journal."""
    fill_lists(device)
    fill_other_stores(device)
    journal = open_journal(device.settings.journal)
    fill_journal(journal)
    samples = SampleStore(device.settings.journal.dir / FOLDER)
    box = (10.0, 10.0, 90.0, 30.0)
    for name, text in (("s1", PLATE), ("s2", OTHER)):
        samples.add(Sample(name, "lane", NOW, "corrected", "x", box, 400, 300, text), NOISE)
    return journal


def fill_lists(device: Device) -> None:
    """Entries in force, made by hand, kept for undo; records; a copy of a source; visits."""
    settings = device.settings
    entry = ListEntry(PLATE, holder="Anna Müller", note="weiß", entries=5)
    other = ListEntry(OTHER, holder="Bernd", note="Ersatz für M-AB 123")

    def write(store: object) -> None:
        for chosen in ([entry, other], [other], [entry, other]):
            replace_list(
                store,  # type: ignore[arg-type]
                ListName.ALLOW, chosen, who="sync", at=NOW, source="sync", why="M AB 123",
            )  # fmt: skip
        records = [VehicleRecord(PLATE, owner="Anna Müller"), VehicleRecord(OTHER, owner="Bernd")]
        replace_records(store, records)  # type: ignore[arg-type]

    change_store(settings.access.file, write, None)
    editor = ListEditor(settings.access, "owner", "guest M-AB 123")
    editor.edit(ListName.ALLOW, PLATE, {"note": "by hand"})
    editor.add(ListName.BLOCK, {"plate": PLATE})
    copy = settings.sync.state_dir / "town"
    copy.mkdir(parents=True)
    (copy / "list").write_text("plate;holder\nM-AB 123;Anna\nK-XY 789;Bernd\n", encoding="utf-16")
    with closing(VisitStore(settings.access.visits_file)) as visits:
        visits.note(EntryUse("p1", PLATE, entry, Direction.IN, NOW))
        visits.note(EntryUse("p2", OTHER, None, Direction.IN, NOW))


def fill_other_stores(device: Device) -> None:
    """The answer of a server, and the audit log of the console."""
    letters = DeadLetters(device.settings.outbound.state_dir)
    message = Message("m1", "passage.granted", "2026-06-01", "gate", "lane", 7, 1, {})
    letters.add("hook", message, "400: no such car M-AB 123")
    letters.close()
    database = closing(ConsoleDatabase(device.settings.console.state_dir))
    with database as opened, opened.connection() as connection:
        connection.execute(
            "INSERT INTO audit (at, who, address, what, detail) VALUES ('', 'o', '', 'list', ?)",
            ("added M-AB 123",),
        )


def fill_journal(journal: Journal) -> None:
    """A granted passage of the plate with pictures, one of another plate, and an event."""
    for plate in (PLATE, OTHER):
        characters = tuple(CharacterReading(char, 0.9) for char in plate)
        reading = PlateReading(characters, "test")
        entry = ListEntry(plate, holder="Anna" if plate == PLATE else "Bernd")
        verdict = Verdict(Result.GRANTED, Reason.ALLOWED, plate=plate, entry=entry)
        passage = Passage(f"of-{plate[0]}", "lane", NOW, "beam", verdict, reading=reading)
        journal.record(passage, PlateSighting(reading, None, Still(NOISE, "test")))
    journal.add_event(GateEvent("e1", "lane", NOW, "command", None, '{"why": "for M-AB 123"}'))
