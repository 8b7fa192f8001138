# SPDX-License-Identifier: Apache-2.0
"""Deletions are logged and verified, holds outlast retention, unknown plates become hashes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from plategate.cli import app
from plategate.documents import passage_document
from plategate.errors import StoreError
from plategate.journal import Journal, open_journal
from plategate.journal.chain import verify_chain
from plategate.journal.erasure import erase_from
from plategate.journal.holds import Hold, all_holds, end_hold, put_hold
from plategate.journal.purge import ranges, verify_purges
from plategate.journal.reader import EventFilter, JournalReader
from plategate.settings.journal import JournalSettings
from plategate.values import (
    CharacterReading,
    GateEvent,
    ListEntry,
    Passage,
    PlateImage,
    PlateReading,
    PlateRegion,
    PlateSighting,
    Reason,
    Result,
    Still,
    TextAlternative,
    Verdict,
)

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
PLATE = "MAB123"
GRANTED = Verdict(
    Result.GRANTED, Reason.ALLOWED, plate=PLATE, entry=ListEntry(PLATE, holder="Anna")
)
REFUSED = Verdict(Result.REFUSED, Reason.NOT_LISTED, plate=PLATE)


def reading(text: str = PLATE, *others: str) -> PlateReading:
    characters = tuple(CharacterReading(char, 0.9) for char in text)
    return PlateReading(characters, "test", tuple(TextAlternative(o, 0.1) for o in others))


def a_passage(name: str, days_ago: float, verdict: Verdict, read: PlateReading | None) -> Passage:
    at = NOW - timedelta(days=days_ago)
    return Passage(name, "lane", at, "beam", verdict, reading=read)


@pytest.fixture
def settings(tmp_path: Path) -> JournalSettings:
    return JournalSettings(dir=tmp_path, granted_days=10, refused_days=10)


@pytest.fixture
def journal(settings: JournalSettings) -> Iterator[Journal]:
    with closing(open_journal(settings)) as opened:
        yield opened


def log_of(journal: Journal) -> list[dict[str, Any]]:
    assert journal.folder is not None
    with closing(JournalReader(journal.folder)) as reader:
        events = reader.newest(None, EventFilter("event"))
    return [{"what": e.event.what, **json.loads(e.event.detail)} for e in reversed(events)]


def faults(journal: Journal) -> tuple[str, ...]:
    assert journal.change(verify_chain).broken_at == ()
    return journal.change(verify_purges).wrong


def erase(journal: Journal, plate: str = PLATE, held: bool = False) -> dict[str, Any]:
    return erase_from(journal, plate, proof="hmac", at=NOW, who="owner", why="asked", held=held)


def test_ok__a_purge_is_logged_with_its_counts_and_verified(journal: Journal) -> None:
    for number in range(7):
        journal.record(a_passage(f"old-{number}", 20, GRANTED, reading()))
    journal.record(a_passage("young", 1, GRANTED, reading()))
    journal.tidy(NOW, clock_trusted=True)
    (entry,) = log_of(journal)
    assert (entry["class"], entry["passages"], entry["events"], entry["kept"]) == (
        "granted",
        7,
        0,
        1,
    )
    assert faults(journal) == ()
    report = journal.change(verify_purges)
    assert (report.purges, report.deleted) == (1, 7)


def test_ok__the_log_itself_is_deleted_in_time_and_without_end(journal: Journal) -> None:
    journal.record(a_passage("old", 20, GRANTED, reading()))
    journal.tidy(NOW, clock_trusted=True)
    assert len(log_of(journal)) == 1
    journal.tidy(NOW + timedelta(days=100), clock_trusted=True)
    assert log_of(journal) == []
    assert journal.tidy(NOW + timedelta(days=200), clock_trusted=True) == 0


@pytest.mark.parametrize("how", ["UPDATE passages SET document = NULL", "DELETE FROM passages"])
def test_fail__an_event_that_no_purge_removed_is_missed(journal: Journal, how: str) -> None:
    for name, days in (("old", 20), ("young", 1), ("other", 1)):
        journal.record(a_passage(name, days, GRANTED, reading()))
    journal.tidy(NOW, clock_trusted=True)
    journal.change(lambda database: database.execute(f"{how} WHERE id = 'young'"))
    (wrong,) = journal.change(verify_purges).wrong
    assert "1 events up to number 3 are missing, and the purge log" in wrong
    assert journal.folder is not None
    file = journal.folder.parent / f"{journal.folder.name}.toml"
    file.write_text(f'[journal]\ndir = "{journal.folder}"\n')
    done = CliRunner().invoke(app, ["journal", "check", "--config", str(file)])
    assert done.exit_code == 1
    assert wrong in done.output


def test_ok__a_passage_on_hold_outlasts_its_time_with_events_and_pictures(
    settings: JournalSettings, journal: Journal
) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (300, 400, 3), np.uint8)
    sighting = PlateSighting(None, None, Still(noise, "test"))
    for name in ("kept", "other"):
        journal.record(a_passage(name, 20, GRANTED, reading()), sighting)
        journal.add_event(GateEvent(f"e-{name}", "lane", NOW - timedelta(days=200), "fault", name))
    hold = Hold("kept", NOW, "owner", "dispute of 1 June")
    assert journal.change(lambda database: put_hold(database, hold))
    assert not journal.change(lambda database: put_hold(database, replace(hold, passage_id="no")))
    few = settings.model_copy(update={"evidence_max_mb": 1, "passages_max": 100})
    journal.use(few)
    journal.tidy(NOW, clock_trusted=True)
    assert [passage.id for passage in journal.passages()] == ["kept"]
    with closing(JournalReader(settings.dir)) as reader:
        passage, event = reader.passage("kept")
        assert event.event.what == "fault"
        assert (settings.dir / dict(passage.evidence)["still"]).exists()
        assert reader.read(all_holds) == [hold]
    assert journal.change(lambda database: end_hold(database, "kept"))
    journal.tidy(NOW, clock_trusted=True)
    assert journal.passages() == []
    assert faults(journal) == ()


def test_ok__an_erased_plate_leaves_hashes_and_a_proof(
    settings: JournalSettings, journal: Journal
) -> None:
    journal.record(a_passage("granted", 1, GRANTED, reading()))
    journal.record(a_passage("other", 1, replace(REFUSED, plate="KXY789"), reading("KXY789")))
    verdict = replace(REFUSED, plate="MA8123")
    journal.record(a_passage("alternative", 1, verdict, reading("MA8123", PLATE)))
    note = ListEntry("KXY789", note="Ersatz für M-AB 123")
    journal.record(a_passage("note", 1, replace(GRANTED, plate="KXY789", entry=note), None))
    journal.add_event(GateEvent("e1", "lane", NOW, "command", None, '{"why": "M-AB 123 waits"}'))
    erased = erase(journal)
    assert {k: erased[k] for k in list(erased)[:3]} == {"passages": 3, "events": 1, "pictures": 0}
    assert [passage.id for passage in journal.passages()] == ["other"]
    assert log_of(journal)[0]["sequences"] == "1,3-5"
    assert faults(journal) == ()
    for file in settings.dir.iterdir():
        assert not file.is_file() or b"AB123" not in file.read_bytes()


def test_fail__an_erasure_that_was_not_done_is_found(journal: Journal) -> None:
    journal.record(a_passage("p", 1, GRANTED, reading()))
    document = journal.change(lambda d: d.execute("SELECT document FROM passages").fetchone())
    erase(journal)
    journal.change(
        lambda d: d.execute("UPDATE passages SET document = ? WHERE sequence = 1", document)
    )
    assert any("are not erased" in wrong for wrong in journal.change(verify_purges).wrong)


def test_fail__a_held_or_passing_plate_is_not_erased(journal: Journal) -> None:
    journal.record(a_passage("p", 1, GRANTED, reading()))
    journal.change(lambda d: put_hold(d, Hold("p", NOW, "owner", "why")))
    with pytest.raises(StoreError, match=r"on hold have this plate: p; .* --held"):
        erase(journal)
    assert erase(journal, held=True)["passages"] == 1
    journal.begin_grant("now", PLATE, NOW)
    with pytest.raises(StoreError, match="is passing"):
        erase(journal)


def test_ok__a_plate_of_digits_is_not_found_in_times_and_numbers(journal: Journal) -> None:
    journal.record(a_passage("p", 1, GRANTED, reading()))
    for plate in ("2026", "0601", "09"):
        assert erase(journal, plate)["passages"] == 0


HOURS = {"unknown_text_hours": 24}


def test_ok__plates_on_no_list_become_hashes_after_the_hours(settings: JournalSettings) -> None:
    with closing(open_journal(settings.model_copy(update=HOURS))) as journal:
        journal.record(a_passage("old", 2, REFUSED, reading(PLATE, "MA8123")))
        journal.record(a_passage("again", 3, REFUSED, reading()))
        journal.record(a_passage("young", 0.5, REFUSED, reading()))
        journal.record(a_passage("known", 2, GRANTED, reading()))
        journal.record(a_passage("unread", 2, Verdict(Result.UNSURE, Reason.NOT_READABLE), None))
        journal.tidy(NOW, clock_trusted=True)
        found = {passage.id: passage for passage in journal.passages()}
        assert found["old"].verdict.plate == found["again"].verdict.plate != PLATE
        assert found["old"].verdict.plate.startswith("#")
        assert found["old"].reading.characters == ()
        assert found["young"].verdict.plate == found["known"].verdict.plate == PLATE
        assert faults(journal) == ()
        with closing(JournalReader(settings.dir)) as reader:
            by_plate = {e.passage.id for e in reader.newest(None, EventFilter(plate=PLATE))}
        assert by_plate == {"old", "again", "young", "known"}
        journal.change(
            lambda d: d.execute("UPDATE passages SET reduced = replace(reduced, 'beam', 'loop')")
        )
        assert any("changed after its plate" in wrong for wrong in faults(journal))


def test_ok__a_hashed_plate_is_erased_too(settings: JournalSettings) -> None:
    with closing(open_journal(settings.model_copy(update=HOURS))) as journal:
        journal.record(a_passage("old", 2, REFUSED, reading()))
        journal.tidy(NOW, clock_trusted=True)
        assert erase(journal)["passages"] == 1
        assert journal.passages() == []
        assert faults(journal) == ()


def test_ok__a_plate_on_no_list_is_never_written_as_text(settings: JournalSettings) -> None:
    """Neither its text nor a picture, if the settings say so."""
    never = {"unknown_text_hours": 0, "unknown_pictures": False}
    noise = np.random.default_rng(1).integers(0, 255, (300, 400, 3), np.uint8)
    with closing(open_journal(settings.model_copy(update=never))) as journal:
        sighting = PlateSighting(reading(), None, Still(noise, "test"))
        journal.record(a_passage("p", 0, REFUSED, reading()), sighting)
        (passage,) = journal.passages()
        assert passage.verdict.plate.startswith("#")
        journal.tidy(NOW, clock_trusted=True)
        assert faults(journal) == ()
    assert not any(settings.dir.glob("evidence/*/*"))
    assert not any(PLATE.encode() in f.read_bytes() for f in settings.dir.iterdir() if f.is_file())


def test_ok__a_granted_passage_is_stored_without_its_plate(settings: JournalSettings) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (300, 400, 3), np.uint8)
    with closing(open_journal(settings.model_copy(update={"delete_at_match": True}))) as journal:
        journal.begin_grant("p", PLATE, NOW)
        sighting = PlateSighting(reading(), None, Still(noise, "test"))
        journal.record(a_passage("p", 0, GRANTED, reading()), sighting)
        (passage,) = journal.passages()
        assert (passage.verdict.result, passage.verdict.plate) == (Result.GRANTED, None)
        assert passage.verdict.entry is None
    assert not any(settings.dir.glob("evidence/*/*"))
    for file in (file for file in settings.dir.iterdir() if file.is_file()):
        assert PLATE.encode() not in file.read_bytes()
        assert b"Anna" not in file.read_bytes()


def test_ok__a_still_is_blurred_outside_the_plate(settings: JournalSettings) -> None:
    image = np.random.default_rng(3).integers(0, 255, (600, 800, 3), np.uint8)
    corners = ((300.0, 300.0), (400.0, 300.0), (400.0, 325.0), (300.0, 325.0))
    region = PlateRegion(corners, 0.9, "test")
    plate = PlateImage(image[300:325, 300:400, 0], lambda: (), image[300:325, 300:400], region)
    sighting = PlateSighting(reading(), plate, Still(image, "test"))
    blurred = settings.model_copy(update={"blur_stills": True, "jpeg_quality": 100})
    with closing(open_journal(blurred)) as journal:
        journal.record(a_passage("p", 0, GRANTED, reading()), sighting)
        journal.record(
            a_passage("q", 0, GRANTED, None), PlateSighting(None, None, Still(image, ""))
        )
    (still,) = settings.dir.glob("evidence/*/*_still.jpg")
    stored = cv2.imread(str(still)).astype(float)
    assert stored[305:320, 305:395].std() > 40
    assert stored[:200].std() < 15


def test_ok__sequence_numbers_have_a_short_form() -> None:
    assert ranges([5, 1, 2, 3, 9]) == "1-3,5,9"
    assert ranges([]) == ""


def test_ok__what_a_document_keeps_of_a_plate_is_known() -> None:
    """A new key of a passage must be considered in `journal.unknown` and in erasures."""
    keys = set(passage_document(a_passage("p", 0, GRANTED, reading()), None))
    assert keys == {
        "schema", "kind", "id", "lane", "triggered_at", "trigger", "barrier", "verdict",
        "reading", "milliseconds",
    }  # fmt: skip
