# SPDX-License-Identifier: Apache-2.0
"""Run functions in child processes that are killed at a deadline.

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
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

from plategate.errors import SyncError

Answer = TypeVar("Answer")
# Called with the bytes received so far and the announced size, or None.
Progress = Callable[[int, int | None], None]
Work = Callable[[Progress], Answer]

AT_ONCE = 8
REAP_S = 5.0
_PENDING = object()
_PR_SET_PDEATHSIG = 1
_FORK = multiprocessing.get_context("fork")


class DeadlineError(SyncError):
    """The function did not return in time."""


def run_together(
    works: Sequence[tuple[Work[Answer], Progress | None]], limit_s: float, at_once: int = AT_ONCE
) -> list[Answer | Exception]:
    """Run functions at the same time, each in a child process; what each returned or raised.

    Their progress is passed on. Answers and exceptions must be picklable. DeadlineError stands for
    a function that took longer than `limit_s`, and SyncError for a child that died.
    """
    answers: dict[int, Answer | Exception] = {}
    waiting = dict(enumerate(works))
    running: dict[Connection, _Child] = {}
    try:
        while waiting or running:
            while waiting and len(running) < at_once:
                number, (work, progress) = waiting.popitem()
                child = _Child(number, work, progress, time.monotonic() + limit_s)
                running[child.receiver] = child
            left_s = min(child.deadline for child in running.values()) - time.monotonic()
            ready = wait([*running], max(0.0, left_s))
            for receiver, child in list(running.items()):
                answer: Any = child.receive() if receiver in ready else _PENDING
                if answer is _PENDING and time.monotonic() >= child.deadline:
                    answer = DeadlineError("out of time")
                if answer is not _PENDING:
                    answers[child.number] = answer
                    running.pop(receiver).stop()
    finally:
        for child in running.values():
            child.stop()
    return [answers[number] for number in range(len(works))]


class _Child:
    """A process that runs one function, and the pipe on which it answers."""

    def __init__(
        self, number: int, work: Work[Any], progress: Progress | None, deadline: float
    ) -> None:
        self.number = number
        self.deadline = deadline
        self._progress = progress
        self.receiver, sender = _FORK.Pipe(duplex=False)
        self._process = _FORK.Process(target=_run, args=(work, sender, os.getpid()), daemon=True)
        with warnings.catch_warnings():
            # Python warns of a fork while other threads run. The child uses no lock of theirs.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._process.start()
        sender.close()

    def receive(self) -> Any:
        """The answer or exception of the function; _PENDING after a message of its progress."""
        try:
            is_answer, value = self.receiver.recv()
        except EOFError:
            return SyncError("the download process was killed (out of memory?)")
        if is_answer:
            return value
        if self._progress is not None:
            self._progress(*value)
        return _PENDING

    def stop(self) -> None:
        """Kill the process; one that hangs in the kernel is left to the system."""
        self.receiver.close()
        self._process.kill()
        self._process.join(REAP_S)


def _run(work: Work[Answer], sender: Connection, parent: int) -> None:
    """Body of the child."""
    # Die with the parent, also when that is killed: two syncs must not write the same files.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before
        os._exit(1)
    try:
        answer = work(lambda received, size: sender.send((False, (received, size))))
    except Exception as error:
        answer = error  # type: ignore[assignment]
    sender.send((True, answer))
