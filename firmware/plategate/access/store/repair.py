# SPDX-License-Identifier: Apache-2.0
"""Change the list database; if the file is damaged, set it aside and start an empty one.

While a damaged file is in place, nothing opens and no list can be replaced. The last damaged file
is kept next to the new one.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from plategate.access.store.database import open_for_writing
from plategate.errors import StoreError
from plategate.storage import StorageFault, close_keeping_log, fault_of, storage_errors

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")


def change_store(
    file: Path,
    work: Callable[[sqlite3.Connection], Answer],
    report: Callable[[str], None] | None,
    trial: bool = False,
) -> Answer:
    """Run `work` on the database and return its result; repeat it on a new file if damaged.

    `report` receives a message about the file that was set aside; without it, none is. In a `trial`
    `work` rolls back what it does: no file is set aside or created, which root would then own.
    Raises StoreError, and any exception of `work`.
    """
    if trial:
        with storage_errors(file):
            is_there = file.exists()
        with TemporaryDirectory(prefix="plategate-trial-") as folder:
            return _change(file if is_there else Path(folder) / file.name, work)
    found = _inode(file)
    try:
        return _change(file, work)
    except StoreError as error:
        if report is None or fault_of(error) is not StorageFault.DAMAGED:
            raise
        sentence = f"{error}; it was set aside as {aside_file(file).name}"
    # Another process may have started a new file by now.
    if _inode(file) == found:
        _set_aside(file)
    sentence += "; import again the lists and records that no source provides"
    sentence += ", and repeat the changes by hand"
    logger.error("%s", sentence)
    report(sentence)
    return _change(file, work)


def _change(file: Path, work: Callable[[sqlite3.Connection], Answer]) -> Answer:
    store = open_for_writing(file)
    try:
        with storage_errors(file):
            return work(store)
    finally:
        close_keeping_log(store, file)


def _set_aside(file: Path) -> None:
    with storage_errors(file):
        file.replace(aside_file(file))
        for log in ("-wal", "-shm"):
            file.with_name(file.name + log).unlink(missing_ok=True)


def aside_file(file: Path) -> Path:
    """Where a damaged database is kept."""
    return file.with_name(f"{file.stem}.damaged{file.suffix}")


def _inode(file: Path) -> int | None:
    try:
        return file.stat().st_ino
    except OSError:
        return None
