# SPDX-License-Identifier: Apache-2.0
"""What falls out of the backlog is counted and reported; a journal that was replaced is noticed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from plategate.errors import SettingsError
from plategate.journal import Journal, open_journal
from plategate.journal.database import FILE_NAME
from plategate.journal.reader import JournalReader
from plategate.journal.watch import AFTER_WRITE_S, AT_THE_LATEST_S, JournalWatch
from plategate.outbound.backlog import Backlog
from plategate.outbound.message import MessageMaker
from plategate.outbound.positions import Position
from plategate.plate_data.hashing import plate_hash, plate_key, reduced
from plategate.replay import GAP
from plategate.settings.outbound import MqttSettings

from .conftest import AT, PLATE, a_passage, an_event, settings_for

KEY = b"k" * 32


@pytest.fixture
def backlog(tmp_path: Path, journal: Journal) -> Iterator[Backlog]:
    with closing(JournalReader(tmp_path / "journal")) as reader:
        yield backlog_of(reader)


def backlog_of(reader: JournalReader, backlog_max: int = 1000, **options: Any) -> Backlog:
    target = MqttSettings(name="broker", host="localhost", **options)
    return Backlog(reader, MessageMaker("gate", target, KEY, target.events), backlog_max)


def test_ok__pages_follow_each_other_without_a_gap(journal: Journal, backlog: Backlog) -> None:
    position = backlog.start()
    for number in range(50):
        journal.add_event(an_event(f"event-{number}"))
    found, complete = [], False
    while not complete:
        page = backlog.next_page(position)
        found += [message.sequence for message, _ in page.messages]
        position, complete = page.position, page.complete
    assert found == list(range(1, 51))
    assert backlog.next_page(position).messages == ()


def test_ok__deleted_events_are_reported_and_counted(
    tmp_path: Path, journal: Journal, backlog: Backlog
) -> None:
    position = backlog.start()
    for number in range(3):
        journal.record(replace(a_passage(number), triggered_at=AT - timedelta(days=300)))
    journal.record(a_passage(3))
    journal.tidy(AT, clock_trusted=True)
    page = backlog.next_page(position)
    (gap, before), (message, after) = page.messages
    assert (gap.type, gap.data) == (
        GAP,
        {"after": 0, "until": 3, "missing": 3, "reason": "deleted"},
    )
    assert (before.sequence, before.lost) == (3, 3)
    # The purge log follows, which no target gets.
    assert (message.sequence, after.sequence, page.position.sequence) == (4, 4, 5)
    assert page.position.lost == 3


def test_ok__a_target_that_is_too_far_behind_skips_the_oldest(
    tmp_path: Path, journal: Journal, backlog: Backlog
) -> None:
    position = backlog.start()
    for number in range(1, 31):
        journal.add_event(an_event(f"event-{number}"))
    with closing(JournalReader(tmp_path / "journal")) as reader:
        page = backlog_of(reader, 10).next_page(position)
    gap, *messages = [message for message, _ in page.messages]
    assert gap.data == {"after": 0, "until": 20, "missing": 20, "reason": "backlog_max"}
    assert [message.sequence for message in messages] == list(range(21, 31))
    assert page.position.lost == 20


def test_ok__gap_is_reported_whatever_types_are_wanted(
    tmp_path: Path, journal: Journal, backlog: Backlog
) -> None:
    position = backlog.start()
    for number in range(1, 31):
        journal.add_event(an_event(f"event-{number}"))
    with closing(JournalReader(tmp_path / "journal")) as reader:
        page = backlog_of(reader, 10, events=("passage.*",)).next_page(position)
    assert [message.type for message, _ in page.messages] == [GAP]
    assert page.position.sequence == 30


def test_ok__journal_that_was_begun_again_is_sent_from_its_start(
    tmp_path: Path, journal: Journal, backlog: Backlog
) -> None:
    old = Position(12345, 7, lost=2)
    journal.add_event(an_event("fault"))
    page = backlog.next_page(old)
    assert [message.type for message, _ in page.messages] == [GAP, "gate.fault"]
    assert page.messages[0][0].data["reason"] == "new_journal"
    assert page.position == Position(backlog.start().journal, 1, lost=2)


def test_ok__journal_from_a_backup_is_sent_from_now_on(journal: Journal, backlog: Backlog) -> None:
    journal.add_event(an_event("fault"))
    start = backlog.start()
    page = backlog.next_page(replace(start, sequence=50))
    assert [message.data.get("reason") for message, _ in page.messages] == ["older_journal"]
    assert page.position == start


def test_ok__hash_of_a_plate_is_the_same_at_gates_with_the_same_key(tmp_path: Path) -> None:
    first, second = tmp_path / "one", tmp_path / "two"
    first.mkdir()
    second.mkdir()
    own = plate_key(None, first)
    assert plate_key(None, first) == own
    assert plate_key(None, second) != own
    assert (first / "plate.key").stat().st_mode & 0o777 == 0o600
    shared = tmp_path / "shared"
    shared.write_bytes(b"x" * 40)
    assert plate_hash(PLATE, plate_key(shared, first)) == plate_hash(PLATE, b"x" * 40)


def test_fail__key_that_is_short_or_missing_is_refused(tmp_path: Path) -> None:
    short = tmp_path / "short"
    short.write_bytes(b"secret\n")
    with pytest.raises(SettingsError, match="at least 32"):
        plate_key(short, tmp_path)
    with pytest.raises(SettingsError, match="cannot be read"):
        plate_key(tmp_path / "none", tmp_path)


@pytest.mark.parametrize("plate", ["hmac", "none"])
def test_ok__keys_that_the_journal_gets_later_stay_at_the_gate(
    journal: Journal, tmp_path: Path, plate: Any
) -> None:
    journal.record(a_passage(1))
    with closing(JournalReader(tmp_path / "journal")) as reader:
        document = reader.events_after(0)[0].public_document()
    document["driver"] = document["verdict"]["driver"] = "Secret"
    found = str(reduced(document, plate, KEY))
    assert "Secret" not in found
    assert PLATE not in found
    assert (plate_hash(PLATE, KEY) in found) is (plate == "hmac")


def test_ok__after_a_write_the_journal_is_asked_until_the_flush_has_ended(tmp_path: Path) -> None:
    watch = JournalWatch(tmp_path)
    for _ in AFTER_WRITE_S:  # at the start the journal is asked too
        watch.wait(0.0)
    (tmp_path / f"{FILE_NAME}-wal").write_bytes(b"commit")
    (tmp_path / "grants.reserve").write_bytes(b"something else")
    watch.wait(AT_THE_LATEST_S)
    assert watch._checks_left == len(AFTER_WRITE_S)
    for _ in AFTER_WRITE_S:
        watch.wait(0.0)
    assert watch._checks_left == 0
    (tmp_path / "grants.reserve").write_bytes(b"again")
    watch.wait(AT_THE_LATEST_S)
    assert watch._checks_left == 0
    watch.wake()
    watch.wait(AT_THE_LATEST_S)
    watch.close()


def test_ok__watch_begins_when_the_folder_is_made(tmp_path: Path) -> None:
    watch = JournalWatch(tmp_path / "later")
    watch.wait(0.0)
    folder = tmp_path / "later"
    folder.mkdir()
    for _ in AFTER_WRITE_S:
        watch.wait(0.0)
    journal = open_journal(settings_for(tmp_path).journal.model_copy(update={"dir": folder}))
    watch.wait(AT_THE_LATEST_S)
    assert watch._checks_left == len(AFTER_WRITE_S)
    journal.close()
    watch.close()
