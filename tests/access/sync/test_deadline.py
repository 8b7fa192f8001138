# SPDX-License-Identifier: Apache-2.0
"""A source that hangs, floods or crashes is ended at the deadline; its answer or error is kept."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from plategate.access.sync.deadline import DeadlineError, Progress, run_with_deadline
from plategate.errors import ListError, SyncError


def hang(_: Progress) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    time.sleep(60)


def flood(progress: Progress) -> None:
    while True:
        progress(1, None)


def test_ok__answer_and_progress_arrive() -> None:
    seen: list[tuple[int, int | None]] = []

    def work(progress: Progress) -> str:
        progress(10, 100)
        return "done"

    assert run_with_deadline(work, 30, lambda *bytes_: seen.append(bytes_)) == "done"
    assert seen == [(10, 100)]


@pytest.mark.parametrize("work", [hang, flood])
def test_fail__hanging_or_flooding_work_is_killed(work: object) -> None:
    with pytest.raises(DeadlineError):
        run_with_deadline(work, 0.3)  # type: ignore[arg-type]
    with pytest.raises(ChildProcessError):  # and it is gone
        os.waitpid(-1, os.WNOHANG)


def test_fail__error_is_raised_here() -> None:
    def work(_: Progress) -> None:
        raise ListError("line 7")

    with pytest.raises(ListError, match="line 7"):
        run_with_deadline(work, 30)


def test_fail__killed_child_is_named() -> None:
    with pytest.raises(SyncError, match="was killed"):
        run_with_deadline(lambda _: os.kill(os.getpid(), signal.SIGKILL), 30)


def test_ok__child_dies_with_its_parent() -> None:
    """A sync that was killed must not go on writing while the next one runs."""
    code = (
        "import os, signal, time\n"
        "from plategate.access.sync.deadline import run_with_deadline\n"
        "def work(progress):\n"
        "    print(os.getpid(), flush=True); time.sleep(60)\n"
        "run_with_deadline(work, 60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.read()  # ends when the child's copy of the pipe is closed, so when it is dead
    with pytest.raises(ProcessLookupError):
        for _ in range(100):
            os.kill(child, 0)
            time.sleep(0.02)
    parent.stdout.close()
