# SPDX-License-Identifier: Apache-2.0
"""What pages ask for is found by indexes: the length of the journal does not matter."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from plategate.journal import Journal, open_journal
from plategate.journal.alarms import newest_alarms
from plategate.journal.reader import EventFilter, JournalReader
from plategate.settings.journal import JournalSettings

from .test_events import a_passage, an_event


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = open_journal(JournalSettings(dir=tmp_path, min_free_mb=10))
    yield journal
    journal.close()


@pytest.fixture
def steps(journal: Journal) -> Iterator[Callable[[Callable[[JournalReader], object]], int]]:
    """How many steps of SQLite's virtual machine a reading takes, in tens."""
    reader = JournalReader(journal.folder or Path())
    reader.identity()
    database = reader.read(lambda opened: opened)

    def counted(read: Callable[[JournalReader], object]) -> int:
        count = 0

        def step() -> None:
            nonlocal count
            count += 1

        database.set_progress_handler(step, 10)
        read(reader)
        database.set_progress_handler(None, 0)
        return count

    yield counted
    reader.close()


@pytest.mark.parametrize(
    "read",
    [
        lambda reader: reader.passage("p1"),
        lambda reader: newest_alarms(reader, 5),
        lambda reader: reader.newest(5, EventFilter()),
        lambda reader: reader.numbered([1, 2]),
    ],
)
def test_ok__pages_read_as_little_of_a_long_journal_as_of_a_short_one(
    journal: Journal,
    steps: Callable[[Callable[[JournalReader], object]], int],
    read: Callable[[JournalReader], object],
) -> None:
    journal.record(a_passage("p1"))
    journal.add_event(an_event("alarm", passage_id="p1"))
    journal.add_event(an_event("fire", passage_id="p1"))
    journal.add_event(an_event("command", passage_id="p1"))
    for number in range(10):
        journal.record(a_passage(f"early{number}"))
    short = steps(read)
    for number in range(300):
        journal.record(a_passage(f"late{number}"))
    assert steps(read) <= short + 5
