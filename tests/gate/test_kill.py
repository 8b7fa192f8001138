# SPDX-License-Identifier: Apache-2.0
"""kill -9 at any time: every grant is in the journal, and no relay moves at the next start.

The gate, its threads and its journal are real; it is forked, so that a start is fast.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from plategate.access.store.changes import replace_list
from plategate.access.store.database import open_for_writing
from plategate.access.store.lists import ListName
from plategate.journal import open_journal
from plategate.settings.journal import JournalSettings
from plategate.values import ListEntry, Result

ROUNDS = int(os.environ.get("PLATEGATE_KILL_ROUNDS", "6"))
LONGEST_LIFE_S = 1.2
START_WITHIN_S = 300.0


@pytest.fixture
def nursery(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that forks gates with their state in this folder."""
    victim = Path(__file__).parent / "gate_victim.py"
    with subprocess.Popen(
        [sys.executable, str(victim), str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        yield process
        process.kill()


def start(nursery: subprocess.Popen[str], state: Path, vehicles: int) -> int:
    """Start a gate, wait until it runs, and return its process id."""
    before = started(state)
    nursery.stdin.write(f"{vehicles}\n")
    nursery.stdin.flush()
    child = int(nursery.stdout.readline())
    deadline = time.monotonic() + START_WITHIN_S
    while started(state) == before:
        assert time.monotonic() < deadline, "the gate did not start"
        time.sleep(0.002)
    return child


def kill(child: int) -> None:
    os.kill(child, signal.SIGKILL)
    while Path(f"/proc/{child}").exists():
        time.sleep(0.001)


def edges(state: Path) -> list[str]:
    file = state / "edges.log"
    return file.read_text(encoding="ascii").split() if file.exists() else []


def started(state: Path) -> int:
    return edges(state).count("started")


def openings(state: Path) -> int:
    """Pulses for a vehicle. The arm goes up again, without a grant, for what is under it: a gate
    that the system halts for seconds sees the vehicle under the arm only on the arm's way down."""
    return edges(state).count("on") - edges(state).count("again")


def granted(state: Path) -> int:
    journal = open_journal(JournalSettings(dir=state))
    found = journal.passages(limit=10_000)
    journal.close()
    return sum(passage.verdict.result is Result.GRANTED for passage in found)


def test_ok__kill_at_any_moment_loses_no_grant_and_repeats_none(nursery, tmp_path: Path) -> None:
    store = open_for_writing(tmp_path / "lists.sqlite")
    entries, at = [ListEntry(plate="AB12CDE")], datetime.now(UTC)
    replace_list(store, ListName.ALLOW, entries, who="test", at=at, source="test")
    store.close()
    chance = random.Random(20261122)
    for _ in range(ROUNDS):
        child = start(nursery, tmp_path, vehicles=1000)
        time.sleep(chance.uniform(0.0, LONGEST_LIFE_S))
        kill(child)
        assert openings(tmp_path) <= granted(tmp_path), "an opening is not in the journal"
    opened = edges(tmp_path).count("on")
    child = start(nursery, tmp_path, vehicles=0)
    time.sleep(0.05)
    kill(child)
    assert edges(tmp_path)[-1] == "started", "a relay moved at start"
    assert edges(tmp_path).count("on") == opened
    assert opened > 0
