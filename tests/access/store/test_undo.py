# SPDX-License-Identifier: Apache-2.0
"""Guards undo: a list is what it was before the change, however changes and undos are ordered."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plategate.access.store import history
from plategate.access.store.by_hand import add_by_hand, edit_by_hand, follow_source, remove_by_hand
from plategate.access.store.changes import replace_list
from plategate.access.store.database import open_for_reading, open_for_writing
from plategate.access.store.differences import differences
from plategate.access.store.history import Author, list_history, plates_of, was_checked
from plategate.access.store.layers import count_hand, made_by_hand, plate_state
from plategate.access.store.lists import ListName, all_entries, list_state
from plategate.access.store.undo import PAGE, undo_change
from plategate.errors import ListError
from plategate.values import ListEntry

ALLOW = ListName.ALLOW
AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ANNA = Author("anna", AT)
PLATES = ("A1", "B2", "C3")


@pytest.fixture
def store(tmp_path):
    with closing(open_for_writing(tmp_path / "lists.sqlite")) as connection:
        yield connection


def put(store, *plates, **options):
    entries = [ListEntry(plate) for plate in plates]
    options = {"at": AT, **options}
    return replace_list(store, ALLOW, entries, who="anna", source="a.csv", **options)


def plates(store):
    return sorted(entry.plate for entry in all_entries(store, ALLOW))


def test_ok__a_whole_list_that_one_row_replaced_comes_back(store):
    everybody = [f"A{number}" for number in range(5000)]
    put(store, *everybody)
    put(store, "Z1")
    change = undo_change(store, None, None, ANNA)
    assert (change.added, change.removed, change.undoes) == (5000, 1, 2)
    assert plates(store) == sorted(everybody)


def test_ok__an_undo_reads_only_the_newest_changes_of_a_long_history(store):
    copied = "list, generation, at, who, source, entries, added, removed, changed"
    put(store, "A1")
    steps = []
    for count in (PAGE, 500):
        for _ in range(count):
            store.execute(
                f"INSERT INTO history ({copied}) SELECT {copied} FROM history WHERE id = 1"
            )
        put(store, f"B{count}")
        done = []
        store.set_progress_handler(lambda done=done: done.append(1), 10)
        undo_change(store, None, None, ANNA)
        store.set_progress_handler(None, 0)
        steps.append(len(done))
        assert plates(store) == ["A1"]
    assert steps[1] <= steps[0] + 20


def test_ok__differences_do_not_ask_for_each_plate_and_later_change(store):
    everybody = [f"A{number}" for number in range(200)]
    put(store, *everybody)
    first = list_history(store)[0]
    steps = []
    for _ in range(2):
        done = []
        store.set_progress_handler(lambda done=done: done.append(1), 10)
        assert len(list(differences(store, first))) == 200
        store.set_progress_handler(None, 0)
        steps.append(len(done))
        for number in range(100):
            put(store, *everybody, f"Z{number}")
    assert steps[1] <= steps[0] + 500


@pytest.mark.parametrize("at_once", [0, 100])
def test_ok__a_difference_ends_at_the_next_change_of_the_same_plate(store, monkeypatch, at_once):
    monkeypatch.setattr("plategate.access.store.differences.MOST_READ_AT_ONCE", at_once)
    put(store, "A1", "B2")
    first = list_history(store)[0]
    replace_list(store, ListName.WANTED, [ListEntry("A1")], who="anna", at=AT, source="w.csv")
    for holder in ("Bea", "Cleo"):
        edit_by_hand(store, ALLOW, ListEntry("A1", holder=holder), ANNA)
    found = {
        each.plate: [entry.holder for entry in each.after] for each in differences(store, first)
    }
    assert found == {"A1": [""], "B2": [""]}


def test_ok__changes_are_undone_one_after_the_other_and_an_undo_as_well(store):
    put(store, "A1")
    add_by_hand(store, ALLOW, ListEntry("B2"), ANNA)
    remove_by_hand(store, ALLOW, "A1", ANNA)
    for expected in (["A1", "B2"], ["A1"], []):
        undo_change(store, None, None, ANNA)
        assert plates(store) == expected
    with pytest.raises(ListError, match="no change is left"):
        undo_change(store, None, None, ANNA)
    undo_change(store, 6, None, ANNA)  # the undo of change 1
    assert plates(store) == ["A1"]
    assert [c.number for c in list_history(store) if c.undone] == [6, 3, 2]


def test_ok__an_older_change_can_be_undone_if_no_later_one_concerns_its_plates(store):
    put(store, "A1")
    add_by_hand(store, ALLOW, ListEntry("B2"), ANNA)
    add_by_hand(store, ALLOW, ListEntry("C3"), ANNA)
    undo_change(store, 2, None, ANNA)
    assert plates(store) == ["A1", "C3"]
    remove_by_hand(store, ALLOW, "C3", ANNA)
    with pytest.raises(ListError, match="change 3: change 5 concerns C3 as well; undo change 5"):
        undo_change(store, 3, None, ANNA)
    with pytest.raises(ListError, match="change 2 is undone already"):
        undo_change(store, 2, None, ANNA)


def test_fail__an_undo_that_concerns_the_same_plate_is_undone_first(store):
    put(store, "A1")
    remove_by_hand(store, ALLOW, "A1", ANNA)
    undo_change(store, 2, None, ANNA)
    undo_change(store, 1, None, ANNA)
    with pytest.raises(ListError, match="change 3: change 4 concerns A1 as well"):
        undo_change(store, 3, None, ANNA)
    assert plates(store) == []


def test_ok__only_the_changes_of_the_named_list_are_undone(store):
    put(store, "A1")
    add_by_hand(store, ListName.BLOCK, ListEntry("B2"), ANNA)
    undo_change(store, None, ALLOW, ANNA)
    assert plates(store) == []
    assert [entry.plate for entry in all_entries(store, ListName.BLOCK)] == ["B2"]


def test_ok__after_the_undo_of_a_sync_the_next_sync_compares_again(store):
    put(store, "A1")
    put(store, "B2")
    add_by_hand(store, ALLOW, ListEntry("C3"), ANNA)
    undo_change(store, None, None, ANNA)
    assert list_state(store, ALLOW).source == "a.csv"
    undo_change(store, None, None, ANNA)
    assert list_state(store, ALLOW).source == "undo of change 2"


def test_fail__what_is_older_than_the_limit_is_forgotten(store):
    put(store, "A1", "B2")
    put(store, "A1", at=AT + timedelta(days=31))
    assert plates_of(store, 1, 10) == ()
    assert plates_of(store, 2, 10) == ("B2",)
    with pytest.raises(ListError, match="change 1: what it replaced is no longer kept"):
        undo_change(store, 1, None, ANNA)
    remove_by_hand(store, ALLOW, "A1", replace(ANNA, undo_days=0, at=AT + timedelta(days=40)))
    kept = store.execute("SELECT count(*) FROM before").fetchone()[0]
    assert (kept, plates_of(store, 2, 10), plates_of(store, 3, 10)) == (0, (), ())
    assert len(list_history(store)) == 3


def test_ok__a_source_that_changes_completely_does_not_fill_the_disk(store, monkeypatch):
    monkeypatch.setattr(history, "MOST_KEPT_PLATES", 5)
    put(store, "A1", "A2", "A3")
    put(store, "B1", "B2", "B3")
    assert (plates_of(store, 1, 10), len(plates_of(store, 2, 10))) == ((), 6)
    put(store, "C1")
    assert [len(plates_of(store, number, 10)) for number in (1, 2, 3)] == [0, 0, 4]
    undo_change(store, None, None, ANNA)
    assert plates(store) == ["B1", "B2", "B3"]


def test_ok__a_database_of_an_older_version_is_read_and_changed(store, tmp_path):
    put(store, "A1", "B2")
    for table in ("hand", "overridden", "details", "touched", "before"):
        store.execute(f"DROP TABLE {table}")
    with closing(open_for_reading(tmp_path / "lists.sqlite")) as reader:
        (change,) = list_history(reader)
        assert (change.kind, change.added, list(differences(reader, change))) == ("replaced", 2, [])
        assert (made_by_hand(reader, ALLOW), count_hand(reader, ALLOW)) == ((), (0, 0))
    with pytest.raises(ListError, match="change 1: what it replaced is no longer kept"):
        undo_change(store, None, None, ANNA)
    remove_by_hand(store, ALLOW, "A1", ANNA)
    put(store, "A1", "B2", "C3")
    assert plates(store) == ["B2", "C3"]


def test_ok__an_undo_to_a_list_of_an_older_version_is_not_marked_as_checked(store):
    put(store, "A1", "B2")
    store.execute("DELETE FROM checked")
    put(store, "A1")
    assert was_checked(store, list_state(store, ALLOW))
    undo_change(store, None, None, ANNA)
    assert not was_checked(store, list_state(store, ALLOW))


def layers(store):
    return {plate: plate_state(store, ALLOW, plate) for plate in PLATES}


ACTIONS = ("put", "drop", "add", "remove", "follow")
STEPS = st.lists(
    st.tuples(st.sampled_from(ACTIONS), st.sets(st.sampled_from(PLATES))),
    min_size=1,
    max_size=6,
)


@settings(deadline=None, max_examples=60)  # no time limit: every change is flushed to the disk
@given(steps=STEPS)
def test_ok__undoing_everything_goes_back_through_every_state(steps, tmp_path_factory):
    with closing(open_for_writing(tmp_path_factory.mktemp("s") / "lists.sqlite")) as store:
        states = [layers(store)]
        for action, concerned in steps:
            some = sorted(concerned) or ["A1"]
            try:
                if action in ("put", "drop"):
                    put(store, *some, drop_by_hand=action == "drop")
                elif action == "add":
                    add_by_hand(store, ALLOW, ListEntry(some[0], holder="x"), ANNA, also=True)
                elif action == "remove":
                    remove_by_hand(store, ALLOW, some[0], ANNA)
                else:
                    follow_source(store, ALLOW, some[0], ANNA)
            except ListError:
                continue
            if layers(store) != states[-1]:
                states.append(layers(store))
            for plate, state in layers(store).items():
                found = tuple(e for e in all_entries(store, ALLOW) if e.plate == plate)
                assert found == state.in_force
        while len(states) > 1:
            states.pop()
            undo_change(store, None, None, ANNA)
            assert layers(store) == states[-1]
