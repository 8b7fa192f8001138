# SPDX-License-Identifier: Apache-2.0
"""Write files so that a crash, a power cut or another process does not break them."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

PARTIAL = ".part"


def new_file(file: Path, mode: int) -> BinaryIO:
    """A file that was not there, with `mode` less the umask, to write to.

    Never opens what somebody else put there, nor writes through a link. Raises OSError.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.fdopen(os.open(file, flags, mode), "wb")


def replace_file(file: Path, content: bytes, *, mode: int = 0o666, flush_name: bool = True) -> None:
    """Write `content` to a new file with `mode` (less the umask) and put it in place of `file`.

    After a crash or a power cut `file` is whole: the old one or the new one. With `flush_name`
    False the caller flushes the folder itself, once for several files. Raises OSError; the old file
    is then unchanged.
    """
    partial = file.with_name(file.name + PARTIAL)
    partial.unlink(missing_ok=True)
    try:
        with new_file(partial, mode) as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(file)
    except BaseException:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise
    if flush_name:
        sync_folder(file.parent)


def put_in_place(written: Path, file: Path) -> None:
    """Put a file that is already written in place of `file`, as durably as `replace_file`."""
    descriptor = os.open(written, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    written.replace(file)
    sync_folder(file.parent)


def sync_folder(folder: Path) -> None:
    """Flush the names in a folder (created, renamed, removed) to the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Let no other process in a block of the same folder meanwhile. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
