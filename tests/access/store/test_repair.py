# SPDX-License-Identifier: Apache-2.0
"""Guards repair: a change of the lists sets a damaged database aside and reports it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from plategate.access.store.database import open_for_reading
from plategate.access.store.importing import import_list_file, import_record_file
from plategate.access.store.lists import ListName
from plategate.access.store.vehicles import record_of_plate
from plategate.errors import ListError, RecordError, StoreError
from plategate.settings.access import AccessSettings
from plategate.values import ListEntry, VehicleRecord
from scripts.testbed.web_server import serving
from tests.access.sync.list_gate import TEN, Gate, allow

GARBAGE = b"this is no database, but long enough to look like one" * 100


def damage(file: Path, where: int) -> None:
    """Overwrite the file from an offset on, as a failing SD card does."""
    whole = file.read_bytes()
    file.write_bytes(whole[:where] + GARBAGE[: max(len(whole) - where, 512)])


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    file = tmp_path / "allow.csv"
    file.write_text("plate\nA1\nB2\n")
    return file


def imported(settings: AccessSettings, file: Path, **more: object) -> list[str]:
    said: list[str] = []
    import_list_file(settings, file, name=None, who="test", report=said.append, **more)
    return said


@pytest.mark.parametrize("where", [0, 4096])
def test_ok__an_import_sets_a_damaged_file_aside_and_reports_it(
    settings: AccessSettings, lists: Path, fill, where: int
) -> None:
    records = [VehicleRecord("A1", owner="x" * 200)] * 100
    fill(settings.file, ListName.ALLOW, ListEntry("A1"), records=records)
    damage(settings.file, where)
    (said,) = imported(settings, lists)
    assert "it was set aside as lists.damaged.sqlite" in said
    assert "import again the lists" in said
    assert (settings.file.parent / "lists.damaged.sqlite").exists()
    assert imported(settings, lists) == []
    assert import_record_file(settings, lists) == 2
    open_for_reading(settings.file).close()


def test_fail__a_pipe_is_refused_by_name(settings: AccessSettings) -> None:
    reader, writer = os.pipe()
    os.close(writer)
    pipe = Path(f"/dev/fd/{reader}")
    with pytest.raises(ListError, match=f"^{pipe}: is a pipe"):
        imported(settings, pipe)
    with pytest.raises(RecordError, match=f"^{pipe}: is a pipe"):
        import_record_file(settings, pipe)
    os.close(reader)


def test_fail__a_named_pipe_without_a_writer_is_refused_at_once(
    settings: AccessSettings, tmp_path: Path
) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    with pytest.raises(ListError, match="is a pipe"):
        imported(settings, pipe)


def test_fail__a_dry_run_sets_nothing_aside(settings: AccessSettings, lists: Path) -> None:
    settings.file.write_bytes(GARBAGE)
    with pytest.raises(StoreError, match="file is not a database"):
        imported(settings, lists, dry_run=True)
    assert settings.file.read_bytes() == GARBAGE


def test_ok__a_sync_restores_lists_and_records(tmp_path: Path) -> None:
    with serving() as server:
        server.serve("/allow.csv", TEN)
        server.serve("/cars.csv", TEN)
        cars = {"name": "cars", "kind": "records", "url": server.url("/cars.csv")}
        gate = Gate(tmp_path, allow(server), cars)
        assert gate.sync().all_well
        before = gate.plates()
        damage(gate.store, 0)
        report = gate.sync()
        assert not report.all_well
        assert "lists.damaged.sqlite" in report.failures[0]
        assert gate.plates() == before
        store = open_for_reading(gate.store)
        assert record_of_plate(store, next(iter(before))) is not None
        store.close()
        assert gate.sync().all_well
