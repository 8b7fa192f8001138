# SPDX-License-Identifier: Apache-2.0
"""A backup made while cars pass restores a working device; erased plates do not come back."""

from __future__ import annotations

import io
import sqlite3
import tarfile
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from plategate.access.store.importing import import_list_file
from plategate.access.store.lists import ListName
from plategate.backup import folder
from plategate.backup.create import write_backup
from plategate.backup.encryption import DecryptingReader
from plategate.cli import app
from plategate.console.database import ConsoleDatabase
from plategate.documents import PASSAGE
from plategate.journal.chain import verify_chain
from plategate.journal.reader import EventFilter, JournalReader
from plategate.plate_data.tombstones import FILE_NAME, Tombstones
from plategate.rehearsal.pictures import PictureRehearsal, Rehearsed, rehearsal_settings
from plategate.values import Passage
from plategate.values import Result as Outcome
from tests.backup.conftest import PASSPHRASE, call, only_backup, wipe
from tests.privacy.conftest import OTHER, PLATE, Device, Fill

DEMO = Path(__file__).parents[1] / "data" / "demo"


def test_ok__a_restored_device_has_everything_and_passes_a_car(
    device: Device, fill: Fill, stick: Path
) -> None:
    token = device.config.parent / "token"
    token.write_text("secret of the list server")
    with device.config.open("a") as stream:
        stream.write(
            f'[[sync.sources]]\nname = "town"\nkind = "allow"\nurl = "https://x/"\n'
            f'token_file = "{token}"\n'
        )
    fill().close()
    import_list_file(device.settings.access, DEMO / "allow.csv", name=ListName.ALLOW, who="owner")
    before = device.config.read_bytes()
    output = call(device, "backup", str(stick), "--journal")
    assert "settings, owner-settings, lists, visits, console, outbound, privacy, journal" in output
    wipe(device)
    output = call(device, "restore", only_backup(stick))
    assert "files are in place" in output
    assert device.config.read_bytes() == before
    assert token.read_text() == "secret of the list server"
    database = closing(ConsoleDatabase(device.settings.console.state_dir))
    with database as opened, opened.connection() as console:
        assert console.execute("SELECT count(*) FROM audit").fetchone()[0] == 1
    with closing(JournalReader(device.settings.journal.dir)) as reader:
        assert reader.read(verify_chain).broken_at == ()
    check = CliRunner().invoke(app, ["journal", "check", "--config", str(device.config)])
    assert check.exit_code == 0, check.output
    assert passed(device) == [Outcome.GRANTED]


def passed(device: Device) -> list[Outcome]:
    """The result of a rehearsed vehicle with the restored lists."""
    settings = device.settings
    results: list[Rehearsed] = []
    state = device.folder / "rehearsal"
    state.mkdir()
    rehearsed = rehearsal_settings(settings, state, settings.access.file)
    picture = next(path for path in sorted(DEMO.glob("*.jpg")) if path.is_file())
    assert PictureRehearsal(rehearsed, [picture], results.append).run()
    return [one.passage.verdict.result for one in results]


def test_ok__a_backup_is_consistent_while_passages_are_recorded(device: Device, fill: Fill) -> None:
    """Every picture that the copied journal names is in the backup; the chain is whole."""
    journal = fill()
    stop = threading.Event()
    recorded = 0

    def record() -> None:
        nonlocal recorded
        from plategate.values import PlateSighting, Reason, Still, Verdict
        from tests.privacy.conftest import NOISE

        while not stop.is_set():
            recorded += 1
            at = datetime.now(UTC) - timedelta(days=20 * (recorded % 2))
            verdict = Verdict(Outcome.GRANTED, Reason.ALLOWED, plate=OTHER)
            sighting = PlateSighting(None, None, Still(NOISE, "test"))
            journal.record(Passage(f"car-{recorded}", "lane", at, "beam", verdict), sighting)
            if recorded % 10 == 0:
                journal.tidy(datetime.now(UTC), clock_trusted=True)

    thread = threading.Thread(target=record)
    thread.start()
    try:
        for _ in range(5):
            target = io.BytesIO()
            write_backup(device.settings, device.config, target, PASSPHRASE, journal=True)
            check_consistent(target.getvalue())
    finally:
        stop.set()
        thread.join()
    assert recorded > 5


def check_consistent(content: bytes) -> None:
    reader = DecryptingReader(io.BytesIO(content), PASSPHRASE, "it")
    with tarfile.open(fileobj=io.BytesIO(reader.read())) as archive:
        names = {name.removeprefix("journal/") for name in archive.getnames()}
        stream = archive.extractfile("journal/journal.sqlite")
        assert stream is not None
        database = sqlite3.connect(":memory:")
        database.deserialize(stream.read())
    assert verify_chain(database).broken_at == ()
    assert {name for (name,) in database.execute("SELECT file FROM evidence")} <= names


@pytest.mark.parametrize("days", [1, -400], ids=["later", "clock set back"])
def test_ok__a_plate_that_was_erased_later_does_not_come_back(
    device: Device, fill: Fill, stick: Path, days: int
) -> None:
    fill().close()
    Tombstones(device.settings.privacy.dir).key()
    call(device, "backup", str(stick), "--journal")
    later_erasure(device, stick, days)
    wipe(device)
    output = call(device, "restore", only_backup(stick))
    assert "erased again" in output
    assert device.files_with_the_plate() == []
    with closing(JournalReader(device.settings.journal.dir)) as reader:
        (passage,) = reader.newest(None, EventFilter(PASSAGE))
    assert passage.passage.verdict.plate == OTHER
    assert len(Tombstones(device.settings.privacy.dir).all()) == 1


def later_erasure(device: Device, stick: Path, days: int = 1) -> None:
    """Erase the plate after the backup, days after it by the clock; the proofs go to the stick."""
    stones = Tombstones(device.settings.privacy.dir)
    stones.add(PLATE, datetime.now(UTC) + timedelta(days=days), "owner", "")
    folder.copy_proofs(device.settings.privacy.dir, stick)


def test_ok__without_the_stick_the_proofs_of_the_device_count(
    device: Device, fill: Fill, stick: Path
) -> None:
    fill().close()
    Tombstones(device.settings.privacy.dir).key()
    call(device, "backup", str(stick), "--journal")
    later_erasure(device, stick)
    (stick / FILE_NAME).unlink()
    output = call(device, "restore", only_backup(stick), "--force")
    assert f"{FILE_NAME} is missing" in output
    assert device.files_with_the_plate() == []


def test_ok__a_plate_that_was_added_again_before_the_backup_stays(
    device: Device, fill: Fill, stick: Path
) -> None:
    Tombstones(device.settings.privacy.dir).add(
        PLATE, datetime.now(UTC) - timedelta(days=9), "owner", ""
    )
    fill().close()
    call(device, "backup", str(stick))
    wipe(device)
    assert "erased again" not in call(device, "restore", only_backup(stick))
    assert "state/lists/lists.sqlite" in str(
        [device.folder / n for n in device.files_with_the_plate()]
    )


def test_ok__the_newest_backups_are_kept_and_torn_ones_removed(
    device: Device, fill: Fill, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill().close()

    class Clock(datetime):
        days = 0

        @classmethod
        def now(cls, tz: object = None) -> datetime:  # noqa: ARG003
            cls.days += 1
            return datetime(2026, 6, 1, tzinfo=UTC) + timedelta(days=cls.days)

    monkeypatch.setattr(folder, "datetime", Clock)
    (stick / "plategate-x-20260101T000000Z.backup.part").write_bytes(b"torn")
    (stick / "holiday.backup").write_bytes(b"not ours")
    for _ in range(4):
        call(device, "backup", str(stick), "--keep", "2")
    names = sorted(path.name for path in stick.iterdir() if path.name.startswith("plategate-"))
    assert [name.split("-")[-1][:8] for name in names] == ["20260604", "20260605"]
    assert (stick / "holiday.backup").exists()


def test_ok__no_copy_of_a_database_stays_on_the_device(
    device: Device, fill: Fill, stick: Path
) -> None:
    fill().close()
    left = device.settings.privacy.dir / ".backup-left"
    left.mkdir(parents=True)
    (left / "copy.sqlite").write_bytes(b"MAB123")
    call(device, "backup", str(stick), "--journal")
    assert list(device.settings.privacy.dir.glob(".backup-*")) == []
