# SPDX-License-Identifier: Apache-2.0
"""Guards the count of entries in the running gate: once per visit, never opened uncounted."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime

import pytest

from plategate.access.store.changes import replace_list
from plategate.access.store.database import open_for_writing
from plategate.access.store.lists import ListName
from plategate.access.visits import VisitStore
from plategate.values import ListEntry, Result

ENTRY = ListEntry("AB12CDE", entries=2)


@pytest.fixture
def counted(settings, gate):
    with closing(open_for_writing(settings.access.file)) as store:
        at = datetime.now(UTC)
        replace_list(store, ListName.ALLOW, [ENTRY], who="test", at=at, source="test")
    return gate


def results(gate):
    return [passage.verdict.result for passage in gate.journal.passages]


def test_ok__a_repeated_visit_is_not_a_further_entry(counted, settings):
    for _ in range(3):  # all within lane.repeat_window_s
        counted.come("AB12CDE", 0.99)
        counted.drive_through()
    assert results(counted) == [Result.GRANTED] * 3
    with closing(VisitStore(settings.access.visits_file)) as visits:
        assert visits.used(ENTRY) == 1


def test_fail__an_entry_that_cannot_be_counted_does_not_open(counted, monkeypatch):
    monkeypatch.setattr(counted.access, "note_grant", lambda *_: False)
    before = list(counted.edges)
    counted.come("AB12CDE", 0.99)
    counted.leave()
    counted.wait(10.0)
    assert [edge for edge in counted.edges if edge not in before] == []
    assert [passage.verdict.reason for passage in counted.journal.passages] == ["store_failed"]
