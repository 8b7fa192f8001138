# SPDX-License-Identifier: Apache-2.0
"""Write files for a person: whole, or not at all.

A full disk, Ctrl-C or an error leaves the old file as it was, and no half-written new one.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from plategate.durable_files import PARTIAL, new_file, put_in_place
from plategate.errors import StoreError

DEVICES = (Path("/dev"), Path("/proc"))


@contextmanager
def whole_file(file: Path, *, mode: int = 0o666) -> Iterator[BinaryIO]:
    """A stream whose bytes become `file` when the block ends without an error.

    A link is followed. A new file gets `mode` less the umask; one that is replaced keeps its own
    mode as far as `mode` allows. A pipe or device such as /dev/stdout is written at once. Raises
    OSError.
    """
    if _is_written_at_once(file):
        with file.open("wb") as stream:
            yield stream
        return
    file = file.resolve()
    partial = file.with_name(file.name + PARTIAL)
    partial.unlink(missing_ok=True)
    try:
        with new_file(partial, mode) as stream:
            if file.exists():
                os.fchmod(stream.fileno(), stat.S_IMODE(file.stat().st_mode) & mode)
            yield stream
        put_in_place(partial, file)
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


@contextmanager
def new_folder(folder: Path, *, mode: int = 0o777) -> Iterator[Path]:
    """A folder to fill, which is created or empty; after an error it is as it was.

    Raises StoreError if it holds anything already, and OSError.
    """
    existed = folder.exists()
    folder.mkdir(parents=True, exist_ok=True, mode=mode)
    if any(folder.iterdir()):
        raise StoreError(f"{folder} is not empty; name a new folder")
    try:
        yield folder
    except BaseException:
        for each in folder.iterdir():
            if each.is_dir() and not each.is_symlink():
                shutil.rmtree(each, ignore_errors=True)
            else:
                with suppress(OSError):
                    each.unlink()
        if not existed:
            with suppress(OSError):
                folder.rmdir()
        raise


def _is_written_at_once(file: Path) -> bool:
    """Whether `file` is a pipe or a device, or names an open file such as /dev/stdout."""
    if file.exists() and not (file.is_file() or file.is_dir()):
        return True
    return any(file.absolute().is_relative_to(folder) for folder in DEVICES)
