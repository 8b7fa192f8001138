# SPDX-License-Identifier: Apache-2.0
"""Open SQLite databases, and classify the errors of databases and files.

All databases are in WAL mode and synchronous = FULL: a commit is on the disk when it returns.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import Any

from plategate.errors import StoreError, reason_of_own

# A write-ahead log that is longer than this is cut back at the next checkpoint.
WAL_LIMIT_BYTES = 1_048_576
WAL_RETRY_S = 0.002


class StorageFault(StrEnum):
    """What kind of failure a file or a database reported."""

    BUSY = "busy"  # another connection holds a lock; try again later
    FULL = "full"  # no space or quota left
    READ_ONLY = "read_only"  # the file system cannot be written
    DAMAGED = "damaged"  # the file is not a database, or its pages are inconsistent
    OTHER = "other"


_FAULT_OF_SQLITE = {
    sqlite3.SQLITE_BUSY: StorageFault.BUSY,
    sqlite3.SQLITE_LOCKED: StorageFault.BUSY,
    sqlite3.SQLITE_PROTOCOL: StorageFault.BUSY,
    sqlite3.SQLITE_FULL: StorageFault.FULL,
    sqlite3.SQLITE_READONLY: StorageFault.READ_ONLY,
    sqlite3.SQLITE_CORRUPT: StorageFault.DAMAGED,
    sqlite3.SQLITE_NOTADB: StorageFault.DAMAGED,
}
_FAULT_OF_ERRNO = {
    errno.ENOSPC: StorageFault.FULL,
    errno.EDQUOT: StorageFault.FULL,
    errno.EROFS: StorageFault.READ_ONLY,
}


def fault_of(error: BaseException) -> StorageFault:
    """Classify an error of SQLite or of the operating system, or a StoreError raised from one."""
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", 0)
        if code == sqlite3.SQLITE_IOERR_SHMSIZE:  # the index of the WAL cannot be allocated
            return StorageFault.FULL
        return _FAULT_OF_SQLITE.get(code & 0xFF, StorageFault.OTHER)
    if isinstance(error, OSError):
        return _FAULT_OF_ERRNO.get(error.errno or 0, StorageFault.OTHER)
    return fault_of(error.__cause__) if error.__cause__ else StorageFault.OTHER


@contextmanager
def storage_errors(file: Path) -> Iterator[None]:
    """Turn errors of SQLite and of the operating system into a StoreError that names the file."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"{file}: {reason_of_own(_permission_error(file, error))}") from error


def _permission_error(file: Path, error: Exception) -> Exception:
    """A PermissionError where the user may not write; SQLite reports that as other errors."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY) and not os.access(file, os.W_OK):
        return PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return error


def open_for_writing(file: Path | None, wait_s: float) -> sqlite3.Connection:
    """Open a database, creating the file where it is missing; None opens one in memory.

    The connection may be used by any thread and is in autocommit mode. `wait_s` is how long a
    statement waits for the lock of another connection. Raises sqlite3.Error, OSError.
    """
    location = ":memory:" if file is None else f"{_uri(file)}?mode=rwc"
    connection = _connect(location, wait_s)
    try:
        _use_wal(connection, wait_s)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA journal_size_limit = {WAL_LIMIT_BYTES}")
        if file is not None:
            _check_writable(file)
    except BaseException:
        connection.close()
        raise
    return connection


def _use_wal(connection: sqlite3.Connection, wait_s: float) -> None:
    """Switch to WAL mode; waits where another connection creates the same database.

    SQLite itself does not wait then: the switch fails at once while another one reads or writes.
    """
    deadline_s = time.monotonic() + wait_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
            return
        except sqlite3.OperationalError as error:
            if fault_of(error) is not StorageFault.BUSY or time.monotonic() >= deadline_s:
                raise
        time.sleep(WAL_RETRY_S)


def _check_writable(file: Path) -> None:
    """Raise where SQLite would open the file for reading only, without an error."""
    if not os.access(file, os.W_OK):
        read_only = os.statvfs(file).f_flag & os.ST_RDONLY
        code = errno.EROFS if read_only else errno.EACCES
        raise OSError(code, os.strerror(code))


def open_for_reading(file: Path, wait_s: float) -> sqlite3.Connection:
    """Open a database that this connection cannot change; it may be written by others meanwhile.

    Where the index of the WAL cannot be created (a folder that the user may not write, a full or
    read-only disk), the connection is a snapshot: see `is_current`. Raises sqlite3.Error.
    """
    connection = _connect(f"{_uri(file)}?mode=ro", wait_s)
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        if fault_of(error) is StorageFault.BUSY:
            raise
        return open_snapshot(file)
    except BaseException:
        connection.close()
        raise
    return connection


class _Snapshot(sqlite3.Connection):
    """A connection without locks: right only as long as nobody writes to the files."""

    file: Path
    versions: tuple[Any, ...]


def is_current(connection: sqlite3.Connection) -> bool:
    """Whether what was read is valid; False if the files of a snapshot changed since it was opened.

    Then discard what was read and open the database again.
    """
    return not isinstance(connection, _Snapshot) or (
        connection.versions == _versions(connection.file)
    )


def close_keeping_log(
    connection: sqlite3.Connection, file: Path, *, checkpoint: bool = True
) -> None:
    """Close a connection but leave the WAL (emptied) and its index in the folder.

    A user who may not write to the folder can read a WAL database only while both files exist, and
    on a full disk the index cannot be created. SQLite removes them with the last connection, unless
    that one is read-only.
    """
    try:
        with suppress(sqlite3.Error):
            if checkpoint:
                empty_log(connection)
        with suppress(sqlite3.Error), closing(_connect(f"{_uri(file)}?mode=ro", 0.0)) as reader:
            reader.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            connection.close()
    finally:
        connection.close()


def empty_log(connection: sqlite3.Connection) -> None:
    """Move the WAL into the database and truncate it, which also ends what was deleted there.

    Waits as long as the connection waits for locks; where others read or write, the rest is done
    another time.
    """
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def log_bytes(file: Path) -> int:
    """The size of the WAL of a database; 0 where it is empty or missing."""
    try:
        return file.with_name(file.name + "-wal").stat().st_size
    except FileNotFoundError:
        return 0


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Write everything that the block does, or nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def open_snapshot(file: Path) -> sqlite3.Connection:
    """Open a database without locks and without touching any of its files; see `is_current`.

    Raises sqlite3.Error.
    """
    versions = _versions(file)
    log = versions[1]
    if log is not None and log[2]:
        # Reads the WAL with an index in this process's memory.
        location = f"{_uri(file)}?mode=ro&vfs=unix-none"
    else:
        location = f"{_uri(file)}?mode=ro&immutable=1"
    connection = _connect(location, 0.0, factory=_Snapshot)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA query_only = ON")
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except BaseException:
        connection.close()
        raise
    assert isinstance(connection, _Snapshot)
    connection.file, connection.versions = file, versions
    return connection


def _versions(file: Path) -> tuple[Any, ...]:
    """Inode, time of change and size of a database and of its WAL; None for a missing one."""
    found: list[Any] = []
    for each in (file, file.with_name(file.name + "-wal")):
        try:
            stat = each.stat()
        except FileNotFoundError:
            found.append(None)
        else:
            found.append((stat.st_ino, stat.st_mtime_ns, stat.st_size))
    return tuple(found)


def _uri(file: Path) -> str:
    return file.resolve().as_uri()


def _connect(
    location: str, wait_s: float, factory: type[sqlite3.Connection] = sqlite3.Connection
) -> sqlite3.Connection:
    return sqlite3.connect(
        location,
        timeout=wait_s,
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        factory=factory,
    )
