# SPDX-License-Identifier: Apache-2.0
"""A backup made while cars pass restores a working device; erased plates do not come back."""

from __future__ import annotations

import io
import json
import shutil
import sqlite3
import tarfile
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from plategate.access.store.importing import import_list_file
from plategate.access.store.lists import ListName
from plategate.backup import encryption, folder
from plategate.backup.create import write_backup
from plategate.backup.encryption import DecryptingReader, EncryptingWriter
from plategate.cli import app
from plategate.console.database import ConsoleDatabase
from plategate.documents import PASSAGE
from plategate.journal import Journal, open_journal
from plategate.journal.chain import verify_chain
from plategate.journal.reader import EventFilter, JournalReader
from plategate.plate_data.tombstones import FILE_NAME, Tombstones
from plategate.rehearsal.pictures import PictureRehearsal, Rehearsed, rehearsal_settings
from plategate.settings import load_settings
from plategate.values import Passage
from plategate.values import Result as Outcome
from tests.privacy.conftest import OTHER, PLATE, Device

Fill = Callable[[], Journal]
PASSPHRASE = "correct horse battery"
DEMO = Path(__file__).parents[1] / "data" / "demo"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encryption, "SCRYPT_N", 2**10)


@pytest.fixture
def stick(tmp_path: Path) -> Path:
    """A folder for backups with the passphrase next to it."""
    (tmp_path / "passphrase").write_text(PASSPHRASE + "\n")
    (tmp_path / "stick").mkdir()
    return tmp_path / "stick"


def call(device: Device, *words: str, code: int = 0) -> str:
    passphrase = device.folder.parent / "passphrase"
    done: Result = CliRunner().invoke(
        app,
        [*words, "--passphrase-file", str(passphrase), "--config", str(device.config)],
    )
    assert done.exit_code == code, f"{done.output}{done.exception}"
    return f"{done.output}{done.exception or ''}"


def only_backup(stick: Path) -> str:
    (file,) = stick.glob("*.backup")
    return str(file)


def wipe(device: Device) -> None:
    """An empty card: the state folder as an installation makes it, and no settings."""
    shutil.rmtree(device.folder)
    shutil.rmtree(device.config.parent)
    (device.folder / "outbound").mkdir(parents=True)
    device.config.parent.mkdir()


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
    with ConsoleDatabase(device.settings.console.state_dir).connection() as console:
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


def test_ok__a_plate_that_was_erased_later_does_not_come_back(
    device: Device, fill: Fill, stick: Path
) -> None:
    fill().close()
    Tombstones(device.settings.privacy.dir).key()
    call(device, "backup", str(stick), "--journal")
    later_erasure(device, stick)
    wipe(device)
    output = call(device, "restore", only_backup(stick))
    assert "erased again" in output
    assert device.files_with_the_plate() == []
    with closing(JournalReader(device.settings.journal.dir)) as reader:
        (passage,) = reader.newest(None, EventFilter(PASSAGE))
    assert passage.passage.verdict.plate == OTHER
    assert len(Tombstones(device.settings.privacy.dir).all()) == 1


def later_erasure(device: Device, stick: Path) -> None:
    """Erase the plate a day after the backup; the proofs go to the stick."""
    stones = Tombstones(device.settings.privacy.dir)
    stones.add(PLATE, datetime.now(UTC) + timedelta(days=1), "owner", "")
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


def test_ok__verify_checks_everything_and_changes_nothing(
    device: Device, fill: Fill, stick: Path
) -> None:
    fill().close()
    call(device, "backup", str(stick))
    wipe(device)
    device.config.write_text("")
    before = sorted(device.folder.rglob("*"))
    output = call(device, "restore", only_backup(stick), "--verify")
    assert "decrypted and checked; nothing was changed" in output
    assert sorted(device.folder.rglob("*")) == before


def test_fail__a_damaged_backup_changes_nothing(device: Device, fill: Fill, stick: Path) -> None:
    fill().close()
    call(device, "backup", str(stick))
    file = Path(only_backup(stick))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    wipe(device)
    before = sorted(device.folder.rglob("*"))
    assert "damaged" in call(device, "restore", str(file), code=1)
    assert sorted(device.folder.rglob("*")) == before


def test_fail__what_is_there_is_not_replaced_unless_it_is_meant(
    device: Device, fill: Fill, stick: Path
) -> None:
    fill().close()
    call(device, "backup", str(stick))
    assert "is there already; --force" in call(device, "restore", only_backup(stick), code=1)
    call(device, "restore", only_backup(stick), "--force")


def test_fail__a_running_gate_stops_a_restoration(device: Device, fill: Fill, stick: Path) -> None:
    fill().close()
    call(device, "backup", str(stick))
    with closing(open_journal(device.settings.journal)):
        output = call(device, "restore", only_backup(stick), "--force", code=1)
    assert "the gate is running; stop it first" in output


def test_ok__settings_of_the_device_can_be_kept(device: Device, fill: Fill, stick: Path) -> None:
    fill().close()
    call(device, "backup", str(stick))
    changed = device.config.read_text() + "[lane]\nname = 'north'\n"
    wipe(device)
    device.config.write_text(changed)
    call(device, "restore", only_backup(stick), "--keep-settings")
    assert load_settings(device.config).lane.name == "north"


def test_fail__settings_of_another_version_are_named(
    device: Device, fill: Fill, stick: Path
) -> None:
    fill().close()
    target = io.BytesIO()
    write_backup(device.settings, device.config, target, PASSPHRASE, journal=False)
    reader = DecryptingReader(io.BytesIO(target.getvalue()), PASSPHRASE, "it")
    archive = io.BytesIO(reader.read())
    text = device.config.read_bytes() + b"[future]\nkey = 1\n"
    (stick / "new.backup").write_bytes(changed_member(archive, "settings/settings.toml", text))
    wipe(device)
    output = call(device, "restore", str(stick / "new.backup"), code=1)
    assert "does not accept the settings of version" in output
    assert "future" in output
    assert not (device.folder / "lists").exists()


def changed_member(archive: io.BytesIO, name: str, content: bytes) -> bytes:
    """The same backup with another content of one member, as another version writes it."""
    import hashlib

    target = io.BytesIO()
    with (
        closing(EncryptingWriter(target, PASSPHRASE)) as encrypted,
        tarfile.open(fileobj=archive) as old,
        tarfile.open(fileobj=encrypted, mode="w|gz") as new,  # type: ignore[call-overload]
    ):
        for member in old:
            stream = old.extractfile(member)
            assert stream is not None
            data = content if member.name == name else stream.read()
            if member.name == "manifest.json":
                data = json.dumps(
                    json.loads(data) | {name: hashlib.sha256(content).hexdigest()}
                ).encode()
            member.size = len(data)
            new.addfile(member, io.BytesIO(data))
    return target.getvalue()


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "lists/../../evil", "evil"])
def test_fail__a_hostile_archive_writes_nothing_outside(
    device: Device, stick: Path, name: str
) -> None:
    target = io.BytesIO()
    with (
        closing(EncryptingWriter(target, PASSPHRASE)) as encrypted,
        tarfile.open(fileobj=encrypted, mode="w|gz") as archive,  # type: ignore[call-overload]
    ):
        member = tarfile.TarInfo(name)
        member.size = 4
        archive.addfile(member, io.BytesIO(b"evil"))
    (stick / "evil.backup").write_bytes(target.getvalue())
    output = call(device, "restore", str(stick / "evil.backup"), code=1)
    assert "is not a file of a backup" in output
    assert not list(device.folder.parent.rglob("*evil"))


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


def test_fail__a_missing_stick_is_named(device: Device, stick: Path) -> None:
    output = call(device, "backup", str(stick / "missing"), code=1)
    assert "is the stick plugged in and mounted?" in output


def test_ok__no_copy_of_a_database_stays_on_the_device(
    device: Device, fill: Fill, stick: Path
) -> None:
    fill().close()
    left = device.settings.privacy.dir / ".backup-left"
    left.mkdir(parents=True)
    (left / "copy.sqlite").write_bytes(b"MAB123")
    call(device, "backup", str(stick), "--journal")
    assert list(device.settings.privacy.dir.glob(".backup-*")) == []
