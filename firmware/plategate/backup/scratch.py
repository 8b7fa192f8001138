# SPDX-License-Identifier: Apache-2.0
"""Folders for what is not encrypted yet, or no longer, and the removal of those that were left.

A process that is killed, or a power cut, leaves its folder. The lock of a folder shows that the
process that made it still works.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp

from plategate.errors import BackupError, reason_of_own

PREFIX = ".backup-"


@contextmanager
def scratch_folder(folder: Path) -> Iterator[Path]:
    """A new folder in `folder` that only this user reads, removed at the end.

    Removes those of processes that ended. Raises BackupError.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_left(folder)
        made = Path(mkdtemp(prefix=PREFIX, dir=folder))
        lock = os.open(made, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise BackupError(f"{error.filename or folder}: {reason_of_own(error)}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)
        os.close(lock)


def remove_left(folder: Path) -> None:
    """Remove the folders that ended processes of this user left. Raises OSError."""
    for left in folder.glob(f"{PREFIX}*"):
        if not left.is_symlink() and left.is_dir() and left.stat().st_uid == os.geteuid():
            with suppress(FileNotFoundError):
                remove_unused(left)


def remove_unused(path: Path) -> None:
    """Remove a file or folder that no process has locked. Raises OSError."""
    lock = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    else:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    finally:
        os.close(lock)
