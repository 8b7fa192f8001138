# SPDX-License-Identifier: Apache-2.0
"""Guards what is not encrypted: a killed process leaves it, the next one removes it, none other."""

from __future__ import annotations

import fcntl
import os
import tempfile
from datetime import datetime, tzinfo
from pathlib import Path

import pytest

from plategate.backup import folder
from plategate.backup.scratch import PREFIX
from plategate.durable_files import PARTIAL
from tests.backup.conftest import call, only_backup
from tests.privacy.conftest import Device, Fill
from tests.privacy.test_erase import ERASE, run


def left_in(place: Path) -> Path:
    """What a restoration left that was killed: a list with plates."""
    left = place / f"{PREFIX}left"
    (left / "lists").mkdir(parents=True)
    (left / "lists" / "lists.sqlite").write_bytes(b"MAB123")
    return left


def test_ok__a_backup_leaves_the_copies_and_the_file_of_another_that_is_made(
    device: Device, fill: Fill, stick: Path
) -> None:
    fill().close()
    torn = stick / f"plategate-gate-20260601T000000Z.backup{PARTIAL}"
    torn.write_bytes(b"half")
    device.settings.privacy.dir.mkdir()
    copies = device.settings.privacy.dir / f"{PREFIX}other"
    copies.mkdir()
    lock = os.open(copies, os.O_RDONLY)
    with torn.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        fcntl.flock(lock, fcntl.LOCK_EX)
        call(device, "backup", str(stick))
        assert torn.exists()
        assert copies.exists()
    os.close(lock)
    call(device, "backup", str(stick), "--keep", "1")
    assert not torn.exists()
    assert not copies.exists()
    call(device, "restore", only_backup(stick), "--verify")


def test_ok__an_erasure_removes_what_a_killed_restoration_left(device: Device, fill: Fill) -> None:
    fill().close()
    left = left_in(device.settings.privacy.dir)
    run(device, *ERASE)
    assert not left.exists()
    assert device.files_with_the_plate() == []


def test_ok__a_restoration_removes_what_a_killed_one_left(
    device: Device, fill: Fill, stick: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill().close()
    call(device, "backup", str(stick))
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    left = left_in(tmp_path / "tmp")
    (tmp_path / "tmp" / f"{PREFIX}link").symlink_to(device.folder)
    call(device, "restore", only_backup(stick), "--verify")
    assert not left.exists()
    assert any(device.folder.iterdir())


def test_fail__damaged_proofs_on_the_stick_do_not_let_backups_pile_up(
    device: Device, fill: Fill, stick: Path
) -> None:
    fill().close()
    run(device, *ERASE)
    call(device, "backup", str(stick))
    first = Path(only_backup(stick))
    old = first.rename(first.with_name(first.name.replace("-20", "-19")))
    (stick / "erased.jsonl").write_text("torn")
    assert "line 1 is not a proof" in call(device, "backup", str(stick), "--keep", "1", code=1)
    assert not old.exists()
    assert Path(only_backup(stick)).exists()


def test_fail__a_backup_of_the_same_second_does_not_remove_the_file_of_the_other(
    device: Device, fill: Fill, stick: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill().close()

    class Stopped(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Stopped:
            return cls(2026, 6, 1, tzinfo=tz)

    monkeypatch.setattr(folder, "datetime", Stopped)
    call(device, "backup", str(stick))
    other = Path(only_backup(stick))
    other = other.rename(f"{other}{PARTIAL}")
    with other.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert "File exists" in call(device, "backup", str(stick), code=1)
    assert other.exists()
