# SPDX-License-Identifier: Apache-2.0
"""Guards changes by hand: they outrank the source, name who and why, and can be undone."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from plategate.access.control import open_access
from plategate.access.editing import ListEditor
from plategate.access.store.changes import replace_list
from plategate.access.store.database import open_for_reading, open_for_writing
from plategate.access.store.differences import differences
from plategate.access.store.history import ChangeKind, list_history
from plategate.access.store.layers import count_hand, made_by_hand
from plategate.access.store.lists import ListName, all_entries, list_state
from plategate.errors import ListError, StoreError
from plategate.values import ListEntry

ALLOW = ListName.ALLOW
AT = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def editor(settings):
    return ListEditor(settings, "anna", "because")


@pytest.fixture
def source(settings):
    """Replace the source of a list: source("A1", ListEntry("B2", holder="Bert"))."""

    def put(*entries, name=ALLOW, **options):
        known = [entry if isinstance(entry, ListEntry) else ListEntry(entry) for entry in entries]
        with closing(open_for_writing(settings.file)) as store:
            return replace_list(
                store, name, known, who="sync", at=AT, source="sync 0123", **options
            )

    return put


@pytest.fixture
def plates(settings):
    def read(name=ALLOW):
        with closing(open_for_reading(settings.file)) as store:
            found = [entry.plate for entry in all_entries(store, name)]
            state = list_state(store, name)
        assert state is not None
        assert state.entries == len(found)
        return sorted(found)

    return read


def history(settings, **options):
    with closing(open_for_reading(settings.file)) as store:
        return list_history(store, **options)


def test_ok__a_source_neither_sweeps_away_nor_brings_back_what_was_changed_by_hand(
    editor, source, plates, settings
):
    source("A1", "B2", "C3")
    editor.add(ALLOW, {"plate": "M-X 1", "holder": "guest"})
    assert editor.remove(ALLOW, "A1").kept_out == 1
    editor.edit(ALLOW, "B2", {"note": "blue"})
    change = source("A1", "B2", "D4")
    assert plates() == ["B2", "D4", "MX1"]
    assert (change.added, change.removed, change.changed) == (1, 1, 0)
    assert (change.kept, change.kept_out) == (2, 1)
    with closing(open_for_reading(settings.file)) as store:
        found = {made.plate: made for made in made_by_hand(store, ALLOW)}
        assert count_hand(store, ALLOW) == (2, 1)
    assert (found["A1"].entries, found["A1"].in_source) == ((), True)
    assert (found["A1"].who, found["A1"].why) == ("anna", "because")
    assert found["B2"].entries == (ListEntry("B2", note="blue"),)
    assert (found["MX1"].in_source, found["MX1"].entries[0].holder) == (False, "guest")


def test_ok__the_gate_decides_by_what_was_changed_by_hand(editor, source, settings, reading):
    source("AB12CDE", "XY99ZZZ")
    editor.remove(ALLOW, "XY99ZZZ")
    today = AT.astimezone(ZoneInfo(settings.zone)).date()
    editor.add(ALLOW, {"plate": "AB13CDE", "until": today.isoformat()})
    source("AB12CDE", "XY99ZZZ")
    gate = open_access(settings)
    reasons = {
        (plate, day): gate.judge(reading(plate), AT + timedelta(days=day), True).reason.value
        for plate, day in (("AB12CDE", 0), ("XY99ZZZ", 0), ("AB13CDE", 0), ("AB13CDE", 1))
    }
    gate.close()
    assert list(reasons.values()) == ["allowed", "not_listed", "allowed", "expired"]


def test_ok__a_list_can_be_made_by_hand_alone(editor, plates, settings):
    assert editor.add(ALLOW, {"plate": "A1"}).generation == 1
    editor.add(ListName.BLOCK, {"plate": "B2"})
    assert (plates(), plates(ListName.BLOCK)) == (["A1"], ["B2"])
    with closing(open_for_reading(settings.file)) as store:
        state = list_state(store, ALLOW)
    assert datetime.now(UTC) - state.confirmed_at < timedelta(minutes=5)
    editor.remove(ALLOW, "A1")
    assert plates() == []


def test_ok__a_change_by_hand_does_not_renew_the_age_of_the_source(editor, source, settings):
    source("A1")
    editor.add(ALLOW, {"plate": "B2"})
    with closing(open_for_reading(settings.file)) as store:
        state = list_state(store, ALLOW)
    assert (state.confirmed_at, state.source, state.generation) == (AT, "sync 0123", 2)


def test_fail__mistakes_are_named_and_change_nothing(editor, source, plates):
    wordy = ListEditor(editor.settings, "anna", "w" * 201)
    source(ListEntry("A1", holder="one"), ListEntry("A1", holder="two"), "B2")
    for work, says in (
        (lambda: editor.add(ALLOW, {"plate": "B2"}), "B2 is on the allow list already"),
        (lambda: editor.add(ALLOW, {"plate": "C3", "until": "soon"}), "^until = 'soon': not a day"),
        (lambda: editor.add(ALLOW, {"plate": "C3", "hour": "1"}), "^hour: unknown column"),
        (lambda: editor.edit(ALLOW, "C3", {"note": "x"}), "C3 is not on the allow list; add it"),
        (lambda: editor.edit(ALLOW, "A1", {"note": "x"}), "A1 has 2 entries"),
        (lambda: editor.edit(ALLOW, "B2", {"from": "2026-02-30"}), "^from = '2026-02-30'"),
        (lambda: editor.remove(ALLOW, "C3"), "C3 is not on the allow list"),
        (lambda: editor.follow(ALLOW, "B2"), "B2 was not changed by hand"),
        (lambda: wordy.remove(ALLOW, "B2"), "longer than 200"),
        (lambda: editor.undo(9), "there is no change 9"),
    ):
        with pytest.raises(ListError, match=says):
            work()
    assert plates() == ["A1", "A1", "B2"]


def test_ok__a_second_entry_and_an_edit_keep_the_other_fields(editor, settings):
    editor.add(ALLOW, {"plate": "A1", "holder": "Anna", "until": "2026-06-30", "entries": "3"})
    editor.edit(ALLOW, "A1", {"hours": "mon 07:00-18:00", "entries": ""})
    editor.add(ALLOW, {"plate": "A1", "holder": "Bert"}, also=True)
    with closing(open_for_reading(settings.file)) as store:
        first, second = all_entries(store, ALLOW)
    assert (first.holder, first.hours, first.entries) == ("Anna", "mon 07:00-18:00", None)
    assert first.valid_until == datetime(2026, 6, 30, 22, tzinfo=UTC)
    assert second.holder == "Bert"


def test_ok__a_plate_can_follow_its_source_again(editor, source, plates):
    source("A1", "B2")
    editor.remove(ALLOW, "A1")
    assert editor.follow(ALLOW, "A1").kind is ChangeKind.FOLLOWED
    assert plates() == ["A1", "B2"]
    source("B2")
    assert plates() == ["B2"]
    editor.add(ALLOW, {"plate": "C3"})
    with pytest.raises(ListError, match="does not have C3; remove it"):
        editor.follow(ALLOW, "C3")


def test_ok__an_import_may_drop_what_was_changed_by_hand(editor, source, plates, settings):
    source("A1", "B2")
    editor.remove(ALLOW, "A1")
    editor.add(ALLOW, {"plate": "C3"})
    change = source("A1", "B2", drop_by_hand=True)
    assert (plates(), change.kept, change.kept_out) == (["A1", "B2"], 0, 0)
    editor.undo()
    assert plates() == ["B2", "C3"]
    source("A1", "B2")
    assert plates() == ["B2", "C3"]


def test_ok__what_an_older_version_ignored_counts_again(editor, source, plates, settings):
    source("A1", "B2")
    editor.remove(ALLOW, "A1")
    editor.add(ALLOW, {"plate": "C3"})
    with closing(open_for_writing(settings.file)) as store:  # as version 0.1.0 replaces a list
        store.execute("DELETE FROM list_allow")
        store.execute(
            "INSERT INTO list_allow (plate, holder, grp, note, hours) VALUES ('A1', '', '', '', '')"
        )
        store.execute(
            "INSERT INTO history (list, generation, at, who, source, entries, added, removed,"
            " changed) VALUES ('allow', 4, '2026-03-01T00:00:00+00:00', 'x', 'sync 4', 1, 0, 2, 0)"
        )
        store.execute("UPDATE lists SET generation = 4, entries = 1, source = 'sync 4'")
    editor.add(ALLOW, {"plate": "D4"})
    assert plates() == ["C3", "D4"]
    editor.edit(ALLOW, "D4", {"note": "settled once only"})
    assert plates() == ["C3", "D4"]
    editor.follow(ALLOW, "A1")
    assert plates() == ["A1", "C3", "D4"]


def test_ok__the_history_says_what_every_change_did(editor, source, settings):
    source("A1", ListEntry("B2", holder="Bert"))
    source(ListEntry("B2", holder="Berta"), "C3")
    editor.remove(ALLOW, "C3")
    with closing(open_for_reading(settings.file)) as store:
        third, second, first = list_history(store)
        assert (third.kind, third.who, third.why) == (ChangeKind.REMOVED, "anna", "because")
        shown = {d.plate: (d.before, d.after) for d in differences(store, second)}
        assert [d.plate for d in differences(store, first)] == ["A1", "B2"]
    assert shown == {
        "A1": ((ListEntry("A1"),), ()),
        "B2": ((ListEntry("B2", holder="Bert"),), (ListEntry("B2", holder="Berta"),)),
        "C3": ((), (ListEntry("C3"),)),
    }


def test_fail__a_damaged_database_is_not_replaced_by_a_single_plate(editor, source, settings):
    source("A1")
    data = bytearray(settings.file.read_bytes())
    data[100:4096] = b"\xff" * 3996
    settings.file.write_bytes(data)
    with pytest.raises(StoreError):
        editor.add(ALLOW, {"plate": "B2"})
    assert settings.file.read_bytes() == bytes(data)
