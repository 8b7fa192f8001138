# SPDX-License-Identifier: Apache-2.0
"""Work that hangs, floods or crashes ends at its deadline and does not delay the others."""

from __future__ import annotations

import multiprocessing
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from plategate.access.sync.deadline import DeadlineError, Progress, run_together
from plategate.errors import ListError, SyncError


def run(work: object, limit_s: float, progress: Progress | None = None) -> object:
    (answer,) = run_together([(work, progress)], limit_s)  # type: ignore[list-item]
    return answer


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

    assert run(work, 30, lambda *bytes_: seen.append(bytes_)) == "done"
    assert seen == [(10, 100)]


@pytest.mark.parametrize("work", [hang, flood])
def test_fail__hanging_or_flooding_work_is_killed(work: object) -> None:
    assert isinstance(run(work, 0.3), DeadlineError)
    assert not multiprocessing.active_children()


def test_fail__error_is_returned() -> None:
    def work(_: Progress) -> None:
        raise ListError("line 7")

    error = run(work, 30)
    assert isinstance(error, ListError) and str(error) == "line 7"


def test_fail__killed_child_is_named() -> None:
    error = run(lambda _: os.kill(os.getpid(), signal.SIGKILL), 30)
    assert isinstance(error, SyncError) and "was killed" in str(error)


def test_ok__answers_are_in_order_and_slow_work_delays_no_other(tmp_path: Path) -> None:
    """The slow one ends only when the quick one has, so they must run at the same time."""
    mark = tmp_path / "quick"

    def slow(_: Progress) -> str:
        while not mark.exists():
            time.sleep(0.01)
        return "slow"

    def quick(_: Progress) -> str:
        mark.touch()
        return "quick"

    assert run_together([(slow, None), (quick, None)], 30) == ["slow", "quick"]


def test_ok__more_work_than_runs_at_once() -> None:
    works = [(lambda _, number=number: number, None) for number in range(7)]
    assert run_together(works, 30, at_once=2) == list(range(7))  # type: ignore[arg-type]


def test_ok__child_dies_with_its_parent() -> None:
    """A sync that was killed must not go on writing while the next one runs."""
    code = (
        "import os, signal, time\n"
        "from plategate.access.sync.deadline import run_together\n"
        "def work(progress):\n"
        "    print(os.getpid(), flush=True); time.sleep(60)\n"
        "run_together([(work, None)], 60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        child = os.pidfd_open(int(parent.stdout.readline()))
        parent.kill()
    # The descriptor is readable once the child has ended, even where nobody has waited for it yet.
    ended, _, _ = select.select([child], [], [], 30)
    os.close(child)
    assert ended
