# SPDX-License-Identifier: Apache-2.0
"""Each store finds a plate wherever it keeps it, and leaves no byte of it after an erasure."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from plategate.access.editing import ListEditor
from plategate.access.store.changes import replace_list
from plategate.access.store.database import open_for_reading
from plategate.access.store.importing import import_list_file, import_record_file
from plategate.access.store.lists import ListName, all_entries, list_state
from plategate.access.store.repair import change_store
from plategate.access.store.vehicles import record_of_plate, records_of_person, replace_records
from plategate.access.sync.checks import SyncOptions
from plategate.access.sync.sync import sync_lists
from plategate.access.visits import Direction, EntryUse, VisitStore
from plategate.console.database import ConsoleDatabase
from plategate.outbound.dead_letters import DeadLetters
from plategate.outbound.message import Message
from plategate.plate_data.files import files_with, has_plate
from plategate.plate_data.interfaces import EraseRequest, Erasure
from plategate.plate_data.tombstones import ErasedPlates, Tombstones
from plategate.privacy.registry import plate_stores
from plategate.settings import Settings, parse_settings
from plategate.settings.sync import SyncSource
from plategate.values import ListEntry, VehicleRecord

PLATE, OTHER = "MAB123", "KXY789"
NOW = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return parse_settings(
        {
            "access": {
                "file": str(tmp_path / "lists" / "lists.sqlite"),
                "visits_file": str(tmp_path / "shared" / "visits.sqlite"),
            },
            "sync": {"state_dir": str(tmp_path / "lists" / "sources")},
            "outbound": {"state_dir": str(tmp_path / "outbound")},
            "console": {"state_dir": str(tmp_path / "console")},
            "journal": {"dir": str(tmp_path / "gate")},
            "privacy": {"dir": str(tmp_path / "privacy")},
        },
        "test",
    )


def erase(settings: Settings, name: str, plate: str = PLATE) -> Erasure:
    store = next(each for each in plate_stores(settings) if each.name == name)
    assert store.find(plate)
    asked = EraseRequest(plate, "owner", "asked for it", settings.privacy.dir)
    erased = store.erase(asked)
    assert store.find(plate) == []
    return erased


def fill_lists(settings: Settings) -> None:
    entries = [
        ListEntry(PLATE, holder="Anna Müller", note="weiß"),
        ListEntry(OTHER, holder="Bernd", note="Ersatz für M-AB 123"),
    ]

    def fill(store: object) -> None:
        for serial, chosen in enumerate((entries, entries[1:], entries)):
            replace_list(
                store,  # type: ignore[arg-type]
                ListName.ALLOW,
                chosen,
                who="sync",
                at=NOW,
                source=f"sync {serial}",
            )
        replace_records(
            store,  # type: ignore[arg-type]
            [
                VehicleRecord(PLATE, owner="Anna Müller", note="M AB 123"),
                VehicleRecord(OTHER, owner="Bernd Groß", fields=(("second car", "m-ab-123"),)),
            ],
        )

    change_store(settings.access.file, fill, None)
    editor = ListEditor(settings.access, "owner", "guest M-AB 123 is back")
    editor.edit(ListName.ALLOW, PLATE, {"note": "by hand"})
    editor.add(ListName.BLOCK, {"plate": PLATE})


def test_ok__lists_undo_and_records_lose_the_plate_and_nothing_else(settings: Settings) -> None:
    fill_lists(settings)
    erased = erase(settings, "lists")
    assert erased.counts["entry of the allow list"] == 2  # the entry, and the note of the other
    assert erased.counts["vehicle record"] == 2
    assert files_with(settings.access.file.parent, PLATE) == []
    connection = open_for_reading(settings.access.file)
    (left,) = all_entries(connection, ListName.ALLOW)
    assert (left.plate, left.holder, left.note) == (OTHER, "Bernd", "Ersatz für (erased)")
    state = list_state(connection, ListName.ALLOW)
    assert state is not None
    assert state.entries == 1
    assert record_of_plate(connection, PLATE) is None
    assert records_of_person(connection, "Anna Müller") == ()
    (record,) = records_of_person(connection, "Bernd Gross")
    assert record.fields == (("second car", "(erased)"),)
    connection.close()
    assert b"Anna" not in settings.access.file.read_bytes()


def test_ok__a_list_is_changed_and_undone_as_before_after_an_erasure(settings: Settings) -> None:
    fill_lists(settings)
    erase(settings, "lists")
    editor = ListEditor(settings.access, "owner")
    editor.add(ListName.ALLOW, {"plate": "NEW1"})
    editor.undo()
    connection = open_for_reading(settings.access.file)
    assert [entry.plate for entry in all_entries(connection, ListName.ALLOW)] == [OTHER]
    connection.close()


def replace_by_sync(store: Any, entries: list[ListEntry]) -> None:
    """Replace the allow list without keeping anything for undo."""
    replace_list(store, ListName.ALLOW, entries, who="sync", at=NOW, source="sync", undo_days=0)


def test_ok__what_a_sync_removed_is_not_left_in_the_file(settings: Settings) -> None:
    many = [ListEntry(f"X{number}", note="n" * 200) for number in range(3000)]

    def fill(store: Any) -> None:
        for chosen in ([*many, ListEntry(PLATE)], many):
            replace_by_sync(store, chosen)

    change_store(settings.access.file, fill, None)
    assert b"MAB123" not in settings.access.file.read_bytes()


def test_ok__entries_deleted_long_ago_are_gone_from_free_pages(settings: Settings) -> None:
    """Also what a version left there that did not overwrite deleted entries."""
    many = [ListEntry(f"X{number}", note="n" * 200) for number in range(3000)]

    def fill(store: Any) -> None:
        store.execute("PRAGMA secure_delete = OFF")
        for chosen in ([*many, ListEntry(PLATE)], many[:1], [ListEntry(PLATE), *many[:1]]):
            replace_by_sync(store, chosen)

    change_store(settings.access.file, fill, None)
    assert settings.access.file.read_bytes().count(b"MAB123") > 2
    erase(settings, "lists")
    assert b"MAB123" not in settings.access.file.read_bytes()


def test_ok__the_vehicle_inside_and_its_uses_are_forgotten(settings: Settings) -> None:
    entry = ListEntry(PLATE, entries=3)
    change_store(
        settings.access.file,
        lambda store: replace_list(
            store, ListName.ALLOW, [entry], who="sync", at=NOW, source="sync"
        ),
        None,
    )
    visits = VisitStore(settings.access.visits_file)
    visits.note(EntryUse("p1", PLATE, entry, Direction.IN, NOW))
    visits.note(EntryUse("p2", OTHER, None, Direction.IN, NOW))
    visits.note(EntryUse("p3", PLATE, entry, Direction.OUT, NOW))
    visits.note(EntryUse("p4", PLATE, entry, Direction.IN, NOW))
    erased = erase(settings, "visits")
    assert erased.counts == {"vehicles inside": 2, "uses of entries": 1}
    assert visits.used(entry) == 0
    assert [plate for plate, _ in visits.inside()] == [OTHER]
    visits.close()
    assert files_with(settings.access.visits_file.parent, PLATE) == []


@pytest.mark.parametrize(
    "content",
    [
        b"plate;holder\nM-AB 123;Anna\n",
        "plate;holder\nM-ÄB 123;Änna\n".encode("cp1252").replace(b"\xc4B", b"AB"),
        "plate;holder\nM-AB 123;Anna\n".encode("utf-16"),
        "plate\nМАВ123\n".encode(),  # noqa: RUF001 -- Cyrillic letters
    ],
)
def test_ok__a_copy_of_a_source_with_the_plate_is_deleted(
    settings: Settings, content: bytes
) -> None:
    folder = settings.sync.state_dir / "town"
    folder.mkdir(parents=True)
    (folder / "list").write_bytes(content)
    (folder / "list.json").write_text("{}")
    other = settings.sync.state_dir / "other"
    other.mkdir()
    (other / "list").write_bytes(content.replace(b"1", b"2").replace("1".encode("utf-16-le"), b"2"))
    erased = erase(settings, "list sources")
    assert "source town has the plate" in erased.remarks[0]
    assert (other / "list").exists()
    assert files_with(settings.sync.state_dir, PLATE) == []


def test_ok__a_workbook_is_searched_inside(tmp_path: Path) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(tmp_path / "list.xlsx") as book:
        book.add_worksheet().write(0, 0, "M-AB 123")
    assert has_plate(tmp_path / "list.xlsx", PLATE)
    assert not has_plate(tmp_path / "list.xlsx", OTHER)
    assert not has_plate(tmp_path / "missing", PLATE)


def test_ok__answers_of_servers_and_the_audit_log_lose_the_plate(settings: Settings) -> None:
    settings.outbound.state_dir.mkdir()
    letters = DeadLetters(settings.outbound.state_dir)
    message = Message("m1", "passage.granted", "2026-06-01", "gate", "lane", 7, 1, {})
    letters.add("hook", message, "400: no such car M-AB 123")
    letters.close()
    alarm = settings.outbound.state_dir / "notified-anna.json"
    alarm.write_text('{"alarm": "stolen: M-AB 123", "number": 7}')
    erased = erase(settings, "outbound")
    assert erased.remarks == ("restart plategate-outbound: notified-anna.json",)
    assert alarm.read_text() == '{"alarm": "stolen: (erased)", "number": 7}'
    letters = DeadLetters(settings.outbound.state_dir)
    assert letters.all()[0].reason == "400: no such car (erased)"
    letters.close()
    database = ConsoleDatabase(settings.console.state_dir)
    with database.connection() as connection:
        connection.execute(
            "INSERT INTO audit (at, who, address, what, detail) VALUES ('', 'o', '', 'x', ?)",
            ("added M-AB 123",),
        )
    erase(settings, "console")
    assert files_with(settings.console.state_dir, PLATE) == [], "also while the console runs"
    database.close()


def test_ok__every_store_says_what_it_keeps_and_why(settings: Settings) -> None:
    for store in plate_stores(settings):
        for kind in store.kept():
            assert kind.what
            assert kind.why
            assert kind.how_long


def test_ok__neither_import_nor_sync_brings_an_erased_plate_back(
    settings: Settings, tmp_path: Path
) -> None:
    Tombstones(settings.privacy.dir).add(PLATE, NOW, "owner", "")
    erased = ErasedPlates(settings.privacy.dir)
    file = tmp_path / "list.csv"
    file.write_text(f"plate,note\nM-AB 123,old\n{OTHER},\n")
    change = import_list_file(
        settings.access, file, name=ListName.ALLOW, who="owner", erased=erased
    )
    assert change.entries == 1
    assert erased.sentence.startswith("1 plate was left out")
    records = tmp_path / "records.csv"
    records.write_text(f"plate,owner\nM-AB 123,Anna\n{OTHER},Bernd\n")
    assert import_record_file(settings.access, records, erased=erased) == 1
    source = SyncSource(name="town", kind="allow", url=str(file))
    sync = settings.sync.model_copy(update={"sources": (source,)})
    options = SyncOptions(NOW, ZoneInfo("UTC"), "timer", erased=erased)
    report = sync_lists(sync, settings.access.file, options)
    assert report.all_well
    assert report.changes[0].entries == 1
