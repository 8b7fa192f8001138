# SPDX-License-Identifier: Apache-2.0
"""Other users of a journal for the drills: readers, locks, backups and checks."""

from __future__ import annotations

import multiprocessing
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from multiprocessing.synchronize import Event
from pathlib import Path

from plategate.journal.chain import verify_chain
from plategate.journal.database import FILE_NAME
from plategate.journal.reader import JournalReader

LOCKED_S = 0.05


def disturb(folder: Path, stop: Event, seed: int) -> None:
    """Another user of the journal: reads slowly, or holds the write lock for a moment."""
    chance = random.Random(seed)
    while not stop.is_set():
        with (
            suppress(sqlite3.Error),
            closing(sqlite3.connect(folder / FILE_NAME, timeout=1, isolation_level=None)) as other,
        ):
            if chance.random() < 0.5:
                cursor = other.execute("SELECT document FROM passages")
                cursor.fetchone()
            else:
                other.execute("BEGIN IMMEDIATE")
            time.sleep(chance.uniform(0, LOCKED_S))
        time.sleep(chance.uniform(0, LOCKED_S))


@contextmanager
def disturbed(folder: Path, seed: int) -> Iterator[None]:
    """Another process disturbs the journal for as long as the block runs."""
    stop = multiprocessing.Event()
    other = multiprocessing.Process(target=disturb, args=(folder, stop, seed))
    other.start()
    try:
        yield
    finally:
        stop.set()
        other.join()


@contextmanager
def statement_open(folder: Path, statement: str) -> Iterator[None]:
    """A second connection holds what the statement takes."""
    with closing(sqlite3.connect(folder / FILE_NAME, timeout=5, isolation_level=None)) as other:
        other.execute(statement).fetchone()
        yield


@contextmanager
def repeated(work: Callable[[], object]) -> Iterator[None]:
    """Another thread does something again and again."""
    with _until_the_end(threading.Event(), threading.Thread, work):
        yield


@contextmanager
def repeated_by_another(work: Callable[[], object]) -> Iterator[None]:
    """Another process does something again and again."""
    with _until_the_end(multiprocessing.Event(), multiprocessing.Process, work):
        yield


@contextmanager
def _until_the_end(
    stop: Event | threading.Event,
    kind: type[threading.Thread] | type[multiprocessing.Process],
    work: Callable[[], object],
) -> Iterator[None]:
    def repeat() -> None:
        while not stop.wait(0.001):
            work()

    other = kind(target=repeat)
    other.start()
    try:
        yield
    finally:
        stop.set()
        other.join()


def back_up(folder: Path) -> None:
    """A backup by SQLite's own means, in small steps."""
    with (
        closing(sqlite3.connect(folder / FILE_NAME, timeout=5)) as source,
        closing(sqlite3.connect(folder / "copy.sqlite")) as copy,
    ):
        source.backup(copy, pages=8)


def check(folder: Path) -> None:
    """What `plategate journal check` reads."""
    with closing(JournalReader(folder)) as reader:
        reader.read(lambda database: database.execute("PRAGMA integrity_check").fetchone())
        reader.read(verify_chain)
