# SPDX-License-Identifier: Apache-2.0
"""Run a function in a child process that is killed at a deadline.

A time limit inside one process does not bound everything that a source can do: name resolution, a
FIFO or a dead network drive blocks in a system call, and hostile content may take long to parse.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import multiprocessing.popen_fork  # loaded lazily otherwise, perhaps by a user who cannot
import os
import signal
import time
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from plategate.errors import SyncError

Answer = TypeVar("Answer")
# Called with the bytes received so far and the announced size, or None.
Progress = Callable[[int, int | None], None]

REAP_S = 5.0
_PR_SET_PDEATHSIG = 1
_FORK = multiprocessing.get_context("fork")


class DeadlineError(SyncError):
    """The function did not return in time."""


def run_with_deadline(
    work: Callable[[Progress], Answer], limit_s: float, progress: Progress | None = None
) -> Answer:
    """Return what `work` returns, or raise what it raises; its progress is passed on.

    The answer and the exception must be picklable. Raises DeadlineError after `limit_s`, and
    SyncError if the child died.
    """
    receiver, sender = _FORK.Pipe(duplex=False)
    child = _FORK.Process(target=_run, args=(work, sender, os.getpid()), daemon=True)
    with warnings.catch_warnings():
        # Python warns of a fork while other threads run. The child uses no lock of theirs.
        warnings.simplefilter("ignore", DeprecationWarning)
        child.start()
    sender.close()
    try:
        return _await(receiver, time.monotonic() + limit_s, progress)  # type: ignore[no-any-return]
    finally:
        receiver.close()
        child.kill()
        child.join(REAP_S)  # a process that hangs in the kernel is left to the system


def _await(receiver: Connection, deadline: float, progress: Progress | None) -> Any:
    while True:
        left_s = deadline - time.monotonic()
        if left_s <= 0 or not receiver.poll(left_s):
            raise DeadlineError("out of time")
        try:
            kind, value = receiver.recv()
        except EOFError:
            raise SyncError("the download process was killed (out of memory?)") from None
        if kind == "returned":
            return value
        if kind == "raised":
            raise value
        if progress is not None:
            progress(*value)


def _run(work: Callable[[Progress], Answer], sender: Connection, parent: int) -> None:
    """Body of the child."""
    # Die with the parent, also when that is killed: two syncs must not write the same files.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before
        os._exit(1)
    try:
        message: tuple[str, Any] = (
            "returned",
            work(lambda received, size: sender.send(("progress", (received, size)))),
        )
    except Exception as error:
        message = ("raised", error)
    sender.send(message)
