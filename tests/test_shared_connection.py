# SPDX-License-Identifier: Apache-2.0
"""A shared connection stays open, is lent to one thread at a time, and follows a replaced file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from plategate.errors import StoreError
from plategate.shared_connection import SharedConnection
from plategate.storage import open_for_writing, transaction


def opened(file: Path) -> sqlite3.Connection:
    connection = open_for_writing(file, 5.0)
    connection.execute("CREATE TABLE IF NOT EXISTS numbers (n INTEGER)")
    return connection


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "a.sqlite"


@pytest.fixture
def shared(file: Path) -> Iterator[SharedConnection]:
    made = SharedConnection(file, lambda: opened(file))
    yield made
    made.close()


def numbers(shared: SharedConnection) -> list[int]:
    with shared.lent() as connection:
        return [n for (n,) in connection.execute("SELECT n FROM numbers ORDER BY n")]


def add(shared: SharedConnection, number: int) -> None:
    with shared.lent() as connection, transaction(connection):
        connection.execute("INSERT INTO numbers VALUES (?)", (number,))


def test_ok__threads_change_the_database_one_after_the_other(shared: SharedConnection) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: add(shared, number), range(40)))
    assert numbers(shared) == list(range(40))


def test_ok__log_stays_between_two_changes(shared: SharedConnection, file: Path) -> None:
    log = file.with_name("a.sqlite-wal")
    add(shared, 1)
    first = log.stat().st_ino
    add(shared, 2)
    assert log.stat().st_ino == first
    shared.close()
    assert not log.exists()
    assert numbers(shared) == [1, 2], "it is opened again"


@pytest.mark.parametrize("replaced", [True, False])
def test_ok__a_replaced_or_removed_file_is_opened_again(
    shared: SharedConnection, file: Path, replaced: bool
) -> None:
    add(shared, 1)
    for each in file.parent.glob("a.sqlite*"):
        each.unlink()
    if replaced:
        connection = opened(file)
        connection.execute("INSERT INTO numbers VALUES (7)")
        connection.close()
    assert numbers(shared) == ([7] if replaced else [])


def test_fail__after_an_error_the_file_is_opened_again(
    shared: SharedConnection, file: Path
) -> None:
    add(shared, 1)
    with shared.lent() as before:
        pass
    with pytest.raises(StoreError, match=f"{file}: no such table: others"), shared.lent() as found:
        found.execute("SELECT * FROM others")
    with shared.lent() as after:
        assert after is not before
    assert numbers(shared) == [1]
