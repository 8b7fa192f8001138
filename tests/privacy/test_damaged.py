# SPDX-License-Identifier: Apache-2.0
"""Guards `plategate privacy` on a damaged device: one unreadable store hides no other store."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from plategate.cli import app
from plategate.errors import SettingsError
from plategate.journal.repair import SET_ASIDE
from plategate.plate_data.files import has_plate
from plategate.plate_data.hashing import KEY_FILE
from plategate.plate_data.tombstones import ErasedPlates
from plategate.samples.store import FOLDER
from tests.privacy.conftest import OTHER, PLATE, Device, Fill
from tests.privacy.test_erase import ERASE, run

STORES = {
    "lists": "lists/lists.sqlite",
    "journal": "gate/gate/journal.sqlite",
    "visits": "gate/shared/visits.sqlite",
    "console": "console/console.sqlite",
}


@pytest.fixture(params=STORES)
def damaged(request: pytest.FixtureRequest, device: Device, fill: Fill) -> str:
    """The name of a store whose database is overwritten."""
    fill().close()
    file = device.folder / STORES[request.param]
    for name in (file, file.with_name(f"{file.name}-wal")):
        if name.exists():
            name.write_bytes(b"no database")
    return str(request.param)


def test_ok__all_other_stores_are_erased(device: Device, damaged: str) -> None:
    before = device.files_with_the_plate()
    # A damaged journal is set aside and replaced; no other store repairs itself.
    output = run(device, *ERASE, code=0 if damaged == "journal" else 1)
    assert f"{damaged}: cannot be read" in output
    assert (f"{damaged}: NOT erased" in output) == (damaged != "journal")
    left = device.files_with_the_plate()
    assert len(left) < len(before)
    assert all(f"still has the plate: {device.folder / file}" in output for file in left)


def test_ok__an_export_names_what_is_missing(device: Device, damaged: str, tmp_path: Path) -> None:
    assert f"{damaged}: cannot be read" in run(device, "export", PLATE, code=1)
    folder = tmp_path / "about"
    run(device, "export", PLATE, str(folder), code=1)
    document = json.loads((folder / "about.json").read_text())
    assert [each["store"] for each in document["not_read"]] == [damaged]
    assert len({each["store"] for each in document["found"]}) >= 4
    assert f"NOT COMPLETE: {damaged}" in (folder / "about.txt").read_text()


@pytest.mark.parametrize("damaged", ["journal", "console"], indirect=True)
def test_ok__a_report_names_what_is_missing(device: Device, damaged: str) -> None:
    output = run(device, "report", code=1)
    assert f"{damaged}: cannot be read" in output
    assert "samples: stills" in output


def test_ok__a_damaged_sample_is_erased_with_the_plate(device: Device, fill: Fill) -> None:
    fill().close()
    sample = device.settings.journal.dir / FOLDER / "s2.json"
    sample.write_text("{")
    output = run(device, *ERASE)
    assert "samples: 1 damaged samples of an unknown plate erased" in output
    assert not sample.with_suffix(".jpg").exists()


def test_ok__a_database_that_was_set_aside_goes_with_a_plate_in_its_cells(
    device: Device, fill: Fill
) -> None:
    fill().close()
    folder = device.settings.journal.dir
    aside = folder / f"{SET_ASIDE}20260601T000000.sqlite"
    # The header of a page, then two cells of a row: nothing stands between them.
    aside.write_bytes(b"SQLite format 3\0" + bytes(100) + f"of1{PLATE}2026-06-01T".encode())
    run(device, *ERASE)
    assert not aside.exists()


def test_ok__what_a_failed_erasure_leaves_in_a_database_is_named(
    device: Device, fill: Fill
) -> None:
    fill().close()
    device.settings.access.file.write_bytes(b"no database")
    output = run(device, *ERASE, code=1)
    assert f"still has the plate: {device.settings.access.visits_file}" in output


def test_ok__a_longer_plate_in_a_database_is_not_the_plate(tmp_path: Path) -> None:
    file = tmp_path / "a.sqlite"
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE list (id TEXT, plate TEXT, at TEXT)")
        database.execute("INSERT INTO list VALUES ('1', ?, '2026')", (PLATE + "4",))
        database.commit()
    assert not has_plate(file, PLATE)
    assert has_plate(file, PLATE + "4")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount a disk")
def test_fail__nothing_on_a_read_only_disk_counts_as_held_or_erased(
    device: Device, fill: Fill
) -> None:
    fill().close()
    disk = str(device.settings.journal.dir)
    subprocess.run(["mount", "--bind", disk, disk], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", disk], check=True)
        failed = CliRunner().invoke(
            app, ["privacy", "hold", "of-M", "--why", "x", "--config", str(device.config)]
        )
        assert "in memory only" in str(failed.exception)
        output = run(device, *ERASE, code=1)
    finally:
        subprocess.run(["umount", disk], check=True)
    assert "journal: NOT erased" in output
    assert "samples: NOT erased" in output
    assert f"still has the plate: {disk}/journal.sqlite" in output


def test_fail__a_lost_key_does_not_let_erased_plates_back(device: Device, fill: Fill) -> None:
    fill().close()
    run(device, *ERASE)
    (device.settings.privacy.dir / KEY_FILE).unlink()
    for words in (("readmit", OTHER), ("erase", OTHER, "--why", "x", "--yes")):
        failed = CliRunner().invoke(app, ["privacy", *words, "--config", str(device.config)])
        assert "plate.key is missing" in str(failed.exception)
    with pytest.raises(SettingsError, match=r"plate\.key"):
        ErasedPlates(device.settings.privacy.dir)
