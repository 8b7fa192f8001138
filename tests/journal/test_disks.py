# SPDX-License-Identifier: Apache-2.0
"""Disks that are full or read-only while cars pass, or when the gate starts. Needs root, to mount
small disks."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from plategate.errors import StoreError
from plategate.journal import EVIDENCE, STORE, Journal, open_journal
from plategate.journal.chain import verify_chain
from plategate.journal.holds import Hold, put_hold
from plategate.journal.reader import JournalReader
from plategate.settings.journal import JournalSettings
from tests.journal.test_shared import AT, a_passage, journal, pass_through, settings, within

__all__ = ["journal", "settings"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)], check=False
    )
    if mounted.returncode != 0:
        pytest.skip("needs the right to mount a disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> Path:
    file = folder / "fill"
    with file.open("wb", buffering=0) as stream:
        try:
            while True:
                stream.write(bytes(1024))
        except OSError:
            return file


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount a disk")
def test_ok__full_disk_costs_pictures_only(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plategate.journal.waiting.RETRY_S", 0.05)
    monkeypatch.setattr("plategate.journal.evidence.has_room", lambda _: True)
    settings = JournalSettings(dir=small_disk, min_free_mb=10)
    journal = open_journal(settings)
    for number in range(3):
        pass_through(journal, f"before-{number}")
    filled = fill(small_disk)
    names = [f"during-{number}" for number in range(100)]
    for name in names:
        # Another program takes the space that the removed pictures freed.
        fill(small_disk / "evidence")
        pass_through(journal, name)
    assert STORE in journal.problems
    assert EVIDENCE in journal.problems
    assert not list(small_disk.glob("evidence/*/*.jpg"))
    for file in (filled, small_disk / "evidence" / "fill"):
        file.unlink()
    assert within(lambda: STORE not in journal.problems)
    kept = [passage.id for passage in journal.passages(limit=200)][::-1]
    assert kept == [*(f"before-{number}" for number in range(3)), *names]
    assert verify_chain(journal._store.database).broken_at == ()
    journal.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount a disk")
def test_ok__gate_that_starts_on_a_full_disk_grants_and_keeps_the_grants(small_disk: Path) -> None:
    settings = JournalSettings(dir=small_disk, min_free_mb=10)
    journal = open_journal(settings)
    pass_through(journal, "before")
    journal.close()
    filled = fill(small_disk)
    for start in range(3):
        journal = open_journal(settings)
        pass_through(journal, f"start-{start}")
        journal.close()
    filled.unlink()
    journal = open_journal(settings)
    kept = {passage.id for passage in journal.passages()}
    assert kept == {"before", "start-0", "start-1", "start-2"}
    journal.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount a disk")
def test_ok__gate_that_starts_on_a_read_only_disk_grants_nothing_and_changes_nothing(
    small_disk: Path,
) -> None:
    settings = JournalSettings(dir=small_disk, min_free_mb=10)
    journal = open_journal(settings)
    pass_through(journal, "before")
    journal.close()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    journal = open_journal(settings)
    assert "passages are kept in memory" in journal.problems[STORE]
    with pytest.raises(StoreError, match="Read-only file system"):
        journal.begin_grant("during", "A1", AT)
    journal.record(a_passage("during"))
    assert [passage.id for passage in journal.passages()] == ["during"]
    # Neither a hold nor an erasure of what is on the disk; nobody shall believe that it was made.
    with pytest.raises(StoreError, match="in memory only"):
        journal.change(lambda database: put_hold(database, Hold("before", AT, "anna", "damage")))
    with closing(JournalReader(small_disk)) as reader:
        assert [each.passage.id for each in reader.events_after(0)] == ["before"]
    journal.close()
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    journal = open_journal(settings)
    assert [passage.id for passage in journal.passages()] == ["before"]
    journal.close()


def test_ok__disk_that_becomes_read_only_grants_nothing_and_loses_nothing(
    journal: Journal, tmp_path: Path
) -> None:
    pass_through(journal, "before")
    journal._store.database.execute("PRAGMA query_only = ON")
    writable = journal._grants._descriptor
    journal._grants._descriptor = os.open(tmp_path / "grants.reserve", os.O_RDONLY)
    with pytest.raises(StoreError, match="a grant cannot be written"):
        journal.begin_grant("during", "A1", AT)
    with pytest.raises(StoreError, match="not stored yet"):
        journal.record(a_passage("during"))
    assert "attempt to write a readonly database" in journal.problems[STORE]
    journal._store.database.execute("PRAGMA query_only = OFF")
    os.close(journal._grants._descriptor)
    journal._grants._descriptor = writable
    assert within(lambda: STORE not in journal.problems)
    assert [passage.id for passage in journal.passages()] == ["during", "before"]
