# SPDX-License-Identifier: Apache-2.0
"""Guards list changes: a list is replaced completely or not at all, with a history."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from plategate.access.store.changes import confirm_list, replace_list
from plategate.access.store.database import open_for_reading, open_for_writing
from plategate.access.store.history import change_numbered, list_history
from plategate.access.store.lists import ListName, all_entries, entries_like, list_state
from plategate.errors import ListError, StoreError
from plategate.plates.text import lookalike_key
from plategate.values import ListEntry

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FULL = ListEntry(
    "AB12CDE",
    holder="Anna",
    group="staff",
    note="blue",
    valid_from=AT,
    valid_until=datetime(2027, 1, 1, tzinfo=UTC),
    hours="mon-fri 07:00-18:00",
    entries=3,
)


@pytest.fixture
def store(tmp_path):
    connection = open_for_writing(tmp_path / "lists.sqlite")
    yield connection
    connection.close()


def put(store, *entries, **options):
    return replace_list(
        store, ListName.ALLOW, entries, who="anna", at=AT, source="a.csv", **options
    )


def plates(store):
    return [entry.plate for entry in all_entries(store, ListName.ALLOW)]


def test_ok__entries_are_stored_unchanged(store):
    put(store, FULL, ListEntry("B2"))
    assert tuple(all_entries(store, ListName.ALLOW)) == (FULL, ListEntry("B2"))


def test_ok__a_replacement_counts_its_changes(store):
    put(store, ListEntry("A1"), ListEntry("B2"), ListEntry("C3"))
    change = put(store, ListEntry("B2"), ListEntry("C3", holder="new"), ListEntry("D4"))
    assert (change.added, change.removed, change.changed) == (1, 1, 1)
    assert (change.entries_before, change.generation) == (3, 2)
    assert [(c.generation, c.who, c.added) for c in list_history(store)] == [
        (2, "anna", 1),
        (1, "anna", 3),
    ]


def test_ok__a_change_is_found_by_its_number(store):
    put(store, ListEntry("A1"))
    put(store, ListEntry("A1"), ListEntry("B2"))
    found = change_numbered(store, 1)
    assert found is not None
    assert (found.number, found.entries, found.entries_before) == (1, 1, 0)
    assert [c.entries_before for c in list_history(store)] == [1, 0]
    for absent in (0, 3, -(10**30), 2**63 - 1, 10**30):
        assert change_numbered(store, absent) is None


@pytest.mark.parametrize(
    "read",
    [
        lambda store: list_history(store, limit=2),
        lambda store: list_history(store, ListName.ALLOW, limit=2, before=2),
        lambda store: change_numbered(store, 1),
    ],
)
def test_ok__as_little_is_read_of_a_long_history_as_of_a_short_one(store, read):
    put(store, ListEntry("A1"))
    put(store, ListEntry("B2"))
    short = steps(store, read)
    copied = "list, generation, at, who, source, entries, added, removed, changed"
    for _ in range(300):
        store.execute(f"INSERT INTO history ({copied}) SELECT {copied} FROM history WHERE id = 2")
    assert steps(store, read) <= short + 2


def steps(store, read):
    """How many steps of SQLite's virtual machine a reading takes, in tens."""
    done = []
    store.set_progress_handler(lambda: done.append(1), 10)
    read(store)
    store.set_progress_handler(None, 0)
    return len(done)


def test_fail__a_refusing_guard_keeps_the_old_list(store):
    put(store, ListEntry("A1"))

    def refuse(change):
        raise ListError("shrunk")

    with pytest.raises(ListError, match="shrunk"):
        put(store, guard=refuse)
    assert plates(store) == ["A1"]
    assert len(list_history(store)) == 1


def test_fail__an_error_while_reading_entries_keeps_the_old_list(store):
    put(store, ListEntry("A1"))

    def broken():
        yield ListEntry("B2")
        raise ListError("line 2")

    with pytest.raises(ListError, match="line 2"):
        replace_list(store, ListName.ALLOW, broken(), who="anna", at=AT, source="a.csv")
    assert plates(store) == ["A1"]
    assert put(store, ListEntry("C3")).generation == 2


def test_ok__a_dry_run_changes_nothing(store):
    put(store, ListEntry("A1"))
    change = put(store, ListEntry("B2"), dry_run=True)
    assert (change.added, change.removed) == (1, 1)
    assert plates(store) == ["A1"]
    assert list_state(store, ListName.ALLOW).generation == 1


def test_ok__a_reader_sees_the_old_list_during_a_replacement(store, tmp_path):
    put(store, ListEntry("A1"))
    reader = open_for_reading(tmp_path / "lists.sqlite")
    seen = []

    def look(change):
        seen.extend(entry.plate for entry in all_entries(reader, ListName.ALLOW))

    put(store, ListEntry("B2"), guard=look)
    assert seen == ["A1"]
    assert plates(reader) == ["B2"]
    reader.close()


def test_ok__the_source_can_confirm_a_list(store):
    put(store, ListEntry("A1"), serial=7)
    later = datetime(2026, 4, 1, tzinfo=UTC)
    confirm_list(store, ListName.ALLOW, later)
    state = list_state(store, ListName.ALLOW)
    assert (state.replaced_at, state.confirmed_at, state.serial) == (AT, later, 7)


def test_ok__lookalikes_are_found_by_their_key(store):
    put(store, ListEntry("B0SS"), ListEntry("8O55"), ListEntry("BOSX"))
    found = entries_like(store, ListName.ALLOW, [lookalike_key("BOSS")])
    assert [entry.plate for entry in found] == ["B0SS", "8O55"]


def test_fail__a_file_of_another_layout_is_refused(store, tmp_path):
    store.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="layout version 99"):
        open_for_reading(tmp_path / "lists.sqlite")
    with pytest.raises(StoreError, match="layout version 99"):
        open_for_writing(tmp_path / "lists.sqlite")


def test_fail__reading_cannot_write(store, tmp_path):
    put(store, ListEntry("A1"))
    reader = open_for_reading(tmp_path / "lists.sqlite")
    with pytest.raises(Exception, match="readonly"):
        put(reader, ListEntry("B2"))
    reader.close()
