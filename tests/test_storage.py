# SPDX-License-Identifier: Apache-2.0
"""Files are replaced as a whole, databases can be read without write access, and every error of the
disk is classified."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from plategate import durable_files, storage
from plategate.errors import StoreError
from plategate.storage import StorageFault, fault_of

NOBODY = 65534


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "some.sqlite"
    database = storage.open_for_writing(file, 0.0)
    database.execute("CREATE TABLE t (a)")
    database.execute("INSERT INTO t VALUES (1)")
    storage.close_keeping_log(database, file)
    return file


def rows(database: sqlite3.Connection) -> int:
    return int(database.execute("SELECT count(*) FROM t").fetchone()[0])


def test_ok__replaced_file_is_the_new_one_and_nothing_is_left_over(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"old")
    durable_files.replace_file(file, b"new", mode=0o640)
    assert file.read_bytes() == b"new"
    assert file.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [file]


def test_fail__a_replacement_that_fails_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    file = tmp_path / "a"
    file.write_bytes(b"old")
    monkeypatch.setattr(storage.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        durable_files.replace_file(file, b"new")
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("target", ["file", "nothing"])
def test_fail__nothing_is_written_through_a_planted_link(tmp_path: Path, target: str) -> None:
    victim = tmp_path / "victim"
    if target == "file":
        victim.write_bytes(b"untouched")
    (tmp_path / f"a{durable_files.PARTIAL}").symlink_to(victim)
    durable_files.replace_file(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"new"
    assert not (tmp_path / "a").is_symlink()
    assert not victim.exists() or victim.read_bytes() == b"untouched"


def test_ok__name_is_flushed_after_the_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    sync, replace = os.fsync, Path.replace

    def fsync(descriptor: int) -> None:
        steps.append("folder" if os.fstat(descriptor).st_mode & 0o040000 else "file")
        sync(descriptor)

    def renamed(self: Path, to: Path) -> Path:
        steps.append("name")
        return replace(self, to)

    monkeypatch.setattr(storage.os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", renamed)
    durable_files.replace_file(tmp_path / "a", b"new")
    (tmp_path / "b").write_bytes(b"x")
    durable_files.put_in_place(tmp_path / "b", tmp_path / "c")
    assert steps == ["file", "name", "folder"] * 2


def test_ok__lock_of_another_connection_is_busy(file: Path) -> None:
    with (
        closing(storage.open_for_writing(file, 0.0)) as one,
        closing(storage.open_for_writing(file, 0.0)) as two,
        storage.transaction(one),
    ):
        with pytest.raises(sqlite3.OperationalError) as caught, storage.transaction(two):
            pass
        assert fault_of(caught.value) is StorageFault.BUSY


def test_ok__a_database_may_be_created_by_several_at_once(tmp_path: Path) -> None:
    def create(file: Path) -> None:
        together.wait()
        with closing(storage.open_for_writing(file, 30)) as store, storage.transaction(store):
            store.execute("CREATE TABLE IF NOT EXISTS rows (row)")
            store.execute("INSERT INTO rows VALUES (1)")

    together = threading.Barrier(3)
    with ThreadPoolExecutor(3) as pool:
        for number in range(100):
            file = tmp_path / f"{number}.sqlite"
            list(pool.map(create, [file] * 3))
            with closing(storage.open_for_reading(file, 30)) as store:
                assert store.execute("SELECT count(*) FROM rows").fetchone() == (3,)


def test_ok__database_that_cannot_grow_is_full(file: Path) -> None:
    with closing(storage.open_for_writing(file, 0.0)) as database:
        (pages,) = database.execute("PRAGMA page_count").fetchone()
        database.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(sqlite3.OperationalError) as caught, storage.transaction(database):
            database.executemany("INSERT INTO t VALUES (?)", [("x" * 500,)] * 100)
        assert fault_of(caught.value) is StorageFault.FULL
        assert rows(database) == 1


@pytest.mark.parametrize("content", [b"no database at all, " * 500, None])
def test_ok__file_that_is_no_database_is_damaged(file: Path, content: bytes | None) -> None:
    whole = file.read_bytes()
    file.write_bytes(content or whole[:100] + b"\xa5" * (len(whole) - 100))
    for side in ("-wal", "-shm"):
        file.with_name(file.name + side).unlink(missing_ok=True)
    with pytest.raises(StoreError) as caught, storage.storage_errors(file):
        rows(storage.open_for_reading(file, 0.0))
    assert fault_of(caught.value) is StorageFault.DAMAGED


@pytest.mark.parametrize(
    ("code", "fault"),
    [
        (errno.ENOSPC, StorageFault.FULL),
        (errno.EDQUOT, StorageFault.FULL),
        (errno.EROFS, StorageFault.READ_ONLY),
        (errno.EIO, StorageFault.OTHER),
    ],
)
def test_ok__errors_of_the_disk_are_classified(code: int, fault: StorageFault) -> None:
    assert fault_of(OSError(code, "")) is fault
    assert fault_of(StoreError("a sentence of ours")) is StorageFault.OTHER


def test_ok__reader_changes_nothing_and_follows_the_writer(file: Path) -> None:
    with (
        closing(storage.open_for_writing(file, 0.0)) as writer,
        closing(storage.open_for_reading(file, 0.0)) as reader,
    ):
        writer.execute("INSERT INTO t VALUES (2)")
        assert rows(reader) == 2
        assert storage.is_current(reader)
        with pytest.raises(sqlite3.OperationalError):
            reader.execute("DELETE FROM t")


def test_ok__snapshot_is_outdated_once_somebody_writes(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both kinds of snapshot: a WAL without its index, and no WAL."""
    for number, leave_log in ((2, True), (3, False)):
        if not leave_log:
            storage.open_for_writing(file, 0.0).close()
        for side in ("-shm",) if leave_log else ("-shm", "-wal"):
            file.with_name(file.name + side).unlink(missing_ok=True)
        snapshot = storage.open_snapshot(file)
        assert rows(snapshot) == number - 1
        assert storage.is_current(snapshot)
        writer = storage.open_for_writing(file, 0.0)
        writer.execute("INSERT INTO t VALUES (9)")
        assert not storage.is_current(snapshot)
        snapshot.close()
        storage.close_keeping_log(writer, file)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become another user")
@pytest.mark.parametrize("left", [("", "-wal", "-shm"), ("", "-wal"), ("",)])
def test_ok__user_who_may_only_read_can_read(
    file: Path, open_folder: Path, left: tuple[str, ...]
) -> None:
    """Whichever files are there: left by a clean end, by a copy of two files, by a checkpoint."""
    if left == ("",):
        storage.open_for_writing(file, 0.0).close()
    for side in {"", "-wal", "-shm"} - set(left):
        file.with_name(file.name + side).unlink(missing_ok=True)
    for each in file.parent.iterdir():
        shutil.copy(each, open_folder)
    file = open_folder / file.name
    code = (
        "import os, sys; from pathlib import Path; from plategate import storage;"
        f"os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY});"
        "database = storage.open_for_reading(Path(sys.argv[1]), 0.0);"
        "rows = database.execute('SELECT count(*) FROM t').fetchone();"
        "print(*rows, storage.is_current(database))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(file)], capture_output=True, text=True, check=False
    )
    assert done.stdout == "1 True\n", done.stderr
    assert sorted(each.name for each in file.parent.iterdir()) == [
        file.name + s for s in sorted(left)
    ]
