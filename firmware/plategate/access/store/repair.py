# SPDX-License-Identifier: Apache-2.0
"""Change the lists; where their file is damaged, set it aside and begin a new one, and say so.

Nothing opens by a damaged file, and nothing could be put in force again as long as it was there.
The last one that was set aside is kept beside the new one.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from plategate.access.store.database import open_for_writing
from plategate.errors import StoreError
from plategate.storage import StorageFault, close_keeping_log, fault_of, storage_errors

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer")


def change_store(
    file: Path, work: Callable[[sqlite3.Connection], Answer], tell: Callable[[str], None] | None
) -> Answer:
    """What `work` answers; it is done again, on an empty store, where the first one was damaged.

    `tell` hears what was set aside; without it nothing is. Raises StoreError, and whatever `work`
    does.
    """
    found = _inode(file)
    try:
        return _change(file, work)
    except StoreError as error:
        if tell is None or fault_of(error) is not StorageFault.DAMAGED:
            raise
        sentence = f"{error}; it is set aside as {_aside(file).name}"
    # Another process may have begun a new file by now.
    if _inode(file) == found:
        _set_aside(file)
    sentence += "; lists and records that no source brings must be imported again"
    logger.error("%s", sentence)
    tell(sentence)
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
        file.replace(_aside(file))
        for log in ("-wal", "-shm"):
            file.with_name(file.name + log).unlink(missing_ok=True)


def _aside(file: Path) -> Path:
    return file.with_name(f"{file.stem}.damaged{file.suffix}")


def _inode(file: Path) -> int | None:
    try:
        return file.stat().st_ino
    except OSError:
        return None
