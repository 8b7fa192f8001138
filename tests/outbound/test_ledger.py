# SPDX-License-Identifier: Apache-2.0
"""When a notification is due: quiet hours, spacing, reminders, summaries; its texts."""

from __future__ import annotations

import string
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

import pytest

from plategate.catalogue import LANGUAGES, texts_of
from plategate.documents import event_document
from plategate.outbound.message import Message
from plategate.outbound.notifications.causes import Change, is_over
from plategate.outbound.notifications.ledger import CauseState, Kind, Rules, Vehicle, Wanted
from plategate.outbound.notifications.memory import Memory
from plategate.outbound.notifications.target import rules_of
from plategate.outbound.notifications.texts import PACKAGE, Texts
from plategate.plate_data.hashing import PlatePrivacy, reduced
from plategate.settings.outbound import CauseName, NotificationSettings
from plategate.values import GateEvent

NOON = datetime(2026, 7, 6, 12, 0, tzinfo=UTC)  # a Monday
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def rules(zone: str = "UTC", **options: object) -> Rules:
    settings = NotificationSettings(name="anna", url_file=Path("/x"), **options)
    return rules_of(settings, ZoneInfo(zone))


def begun(at: datetime, cause: CauseName = "fault") -> CauseState:
    return CauseState(cause).changed(Change.BEGINS, at, "did_not_open")


def test_ok__a_beginning_is_due_at_once_and_its_end_too() -> None:
    state = begun(NOON)
    assert state.due(rules(), NOON) == (Kind.BEGINS, NOON)
    state = state.notified(Kind.BEGINS, NOON)
    assert state.due(rules(repeat_hours=0), NOON) is None
    state = state.changed(Change.ENDS, NOON + MINUTE, "")
    assert state.due(rules(), NOON + MINUTE) == (Kind.OVER, NOON + MINUTE)
    state = state.notified(Kind.OVER, NOON + MINUTE)
    assert state.due(rules(), NOON + 100 * HOUR) is None


def test_ok__what_comes_again_waits_for_the_spacing() -> None:
    state = begun(NOON).notified(Kind.BEGINS, NOON)
    state = state.changed(Change.ENDS, NOON + MINUTE, "").notified(Kind.OVER, NOON + MINUTE)
    state = state.changed(Change.BEGINS, NOON + 2 * MINUTE, "")
    assert state.due(rules(), NOON + 2 * MINUTE) == (Kind.BEGINS, NOON + 15 * MINUTE)
    for number in range(3, 9):
        state = state.changed(Change.ENDS, NOON + number * MINUTE, "")
        state = state.changed(Change.BEGINS, NOON + number * MINUTE, "")
    state = state.changed(Change.ENDS, NOON + 9 * MINUTE, "")
    assert state.due(rules(), NOON + 9 * MINUTE) == (Kind.WAS, NOON + 15 * MINUTE)
    assert state.count == 7


def test_ok__what_lasts_is_repeated() -> None:
    state = begun(NOON).notified(Kind.BEGINS, NOON)
    assert state.due(rules(repeat_hours=3), NOON) == (Kind.LASTS, NOON + 3 * HOUR)
    again = state.changed(Change.BEGINS, NOON + HOUR, "did_not_open")  # the gate was restarted
    assert (again.since, again.count) == (NOON, 0)


def test_ok__a_clock_that_was_set_back_does_not_end_the_repetition() -> None:
    state = CauseState("fault").changed(Change.BEGINS, NOON, "x").notified(Kind.BEGINS, NOON)
    year_before = NOON - 365 * 24 * HOUR
    assert state.due(rules(repeat_hours=3), year_before) == (Kind.LASTS, year_before)


@pytest.mark.parametrize(
    ("zone", "begins", "due"),
    [
        ("UTC", "2026-07-06T21:59", "2026-07-06T21:59"),
        ("UTC", "2026-07-06T22:00", "2026-07-07T06:00"),
        ("UTC", "2026-07-07T05:59", "2026-07-07T06:00"),
        ("Europe/Berlin", "2026-07-06T20:30", "2026-07-07T04:00"),
        ("Europe/Berlin", "2026-10-24T23:30", "2026-10-25T05:00"),  # the night has an hour more
    ],
)
def test_ok__quiet_hours_of_the_site_delay(zone: str, begins: str, due: str) -> None:
    at = datetime.fromisoformat(begins).replace(tzinfo=UTC)
    found = begun(at).due(rules(zone, quiet="daily 22:00-06:00"), at)
    assert found == (Kind.BEGINS, datetime.fromisoformat(due).replace(tzinfo=UTC))


def test_ok__what_is_over_in_the_morning_is_one_summary() -> None:
    night = rules(quiet="daily 22:00-06:00")
    at = NOON + 11 * HOUR
    state = begun(at).changed(Change.ENDS, at + HOUR, "")
    assert state.due(night, at + HOUR) == (Kind.WAS, NOON + 18 * HOUR)


def test_ok__wanted_vehicles_are_notified_at_night_unless_the_settings_say_otherwise() -> None:
    at = NOON + 11 * HOUR
    wanted = Wanted().with_alarm(Vehicle("p1", "certain", at)).with_passage("p1", 1, 2)
    assert wanted.due(rules(quiet="daily 22:00-06:00"), at) == at
    assert wanted.due(rules(quiet="daily 22:00-06:00", always=()), at) == NOON + 18 * HOUR
    assert begun(at).due(rules(quiet="daily", always=["fault"]), at) == (Kind.BEGINS, at)


def test_ok__wanted_vehicle_waits_for_its_passage_but_not_long() -> None:
    wanted = Wanted().with_alarm(Vehicle("p1", "certain", NOON))
    assert wanted.due(rules(), NOON) == NOON + timedelta(seconds=10)
    assert wanted.with_passage("p2", 1, 2) == wanted
    assert wanted.with_passage("p1", 1, 2).due(rules(), NOON) == NOON


def test_ok__clock_that_was_set_back_holds_up_nothing() -> None:
    later = NOON + 1000 * HOUR
    state = begun(later).notified(Kind.BEGINS, later).changed(Change.ENDS, later, "")
    state = state.notified(Kind.OVER, later).changed(Change.BEGINS, NOON, "")
    assert state.due(rules(), NOON) == (Kind.BEGINS, NOON)
    wanted = Wanted(sent=later).with_alarm(Vehicle("p1", "certain", later))
    assert wanted.due(rules(), NOON) == NOON


def test_ok__quiet_hours_without_an_end_wait_a_week() -> None:
    due = begun(NOON).due(rules(quiet="daily"), NOON)
    assert due == (Kind.BEGINS, NOON + timedelta(days=7))


def test_ok__a_message_that_is_delivered_again_is_counted_once(tmp_path: Path) -> None:
    for _ in range(2):  # also after a restart
        memory = Memory(tmp_path / "file", ("fault", "tamper"))
        for number, what in enumerate(("fault", "reset", "fault"), 1):
            memory.take(a_message(number, f"gate.{what}"))
        memory.save()
    assert memory.ledger.causes["fault"].count == 2
    for reason in ("deleted", "new_journal"):
        memory.take(a_message(0, "outbound.gap", reason=reason))
    assert memory.ledger.causes["tamper"].count == 1


@pytest.mark.parametrize("plate", ["full", "hmac", "none"])
def test_ok__an_acknowledged_cause_is_not_repeated(tmp_path: Path, plate: PlatePrivacy) -> None:
    document = event_document(
        GateEvent("e2", "gate", NOON, "acknowledged", None, '{"sequence": 1, "who": "Anna"}')
    )
    told = reduced(document, plate, b"key")
    assert ("Anna" in str(told)) is (plate == "full")
    memory = Memory(tmp_path / "file", ("fault", "camera"))
    for number, what in enumerate(("fault", "camera_lost"), 1):
        memory.take(a_message(number, f"gate.{what}"))
    fault, camera = (
        memory.ledger.causes[each].notified(Kind.BEGINS, NOON) for each in memory._causes
    )
    memory.ledger.causes = {"fault": fault, "camera": camera}
    memory.take(a_message(3, "gate.acknowledged", detail=told["detail"]))
    fault, camera = memory.ledger.causes.values()
    assert fault.due(rules(), NOON) is None
    assert camera.due(rules(), NOON) == (Kind.LASTS, NOON + 24 * HOUR)
    ended = fault.changed(Change.ENDS, NOON, "")
    assert ended.due(rules(), NOON) == (Kind.OVER, NOON)
    again = ended.notified(Kind.OVER, NOON).changed(Change.BEGINS, NOON, "", 9)
    assert not again.seen


def test_ok__what_was_acknowledged_at_night_is_not_notified_in_the_morning() -> None:
    state = CauseState("fault").changed(Change.BEGINS, NOON, "", 5)
    assert state.acknowledged(4) == state
    assert state.acknowledged(5).due(rules(quiet="daily"), NOON) is None
    assert not state.acknowledged(5).is_news


def test_fail__damaged_file_is_reported_and_begun_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "file"
    for damage in (b"", b"{", b'{"causes": 1}', b"\xff\xfe", b"[]"):
        file.write_bytes(damage)
        memory = Memory(file, ("fault",))
        memory.take(a_message(1, "gate.fault"))
        memory.save()
        assert Memory(file, ("fault",)).ledger.causes["fault"].active
        assert str(file) in caplog.text


@pytest.mark.parametrize("cause", ["fault", "left_open", "camera", "list_too_old", "disk"])
def test_ok__status_of_a_restarted_gate_ends_a_cause(cause: CauseName) -> None:
    fine = {"lane": {"fault": None, "camera": True}, "failures": []}
    failures = [{"name": name} for name in ("list", "disk")]
    bad = {"lane": {"fault": "left_open", "camera": False}, "failures": failures}
    assert is_over(cause, fine)
    assert not is_over(cause, bad)
    assert not is_over(cause, {})  # no gate answers


def a_message(number: int, kind: str, **data: str) -> Message:
    return Message(f"m{number}", kind, NOON.isoformat(), "gate", "gate", 7, number, data)


def test_ok__every_language_has_the_same_texts_with_the_same_values() -> None:
    def values(text: str) -> set[str | None]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    english, *others = (texts_of(language, PACKAGE) for language in LANGUAGES)
    for other in others:
        assert other.keys() == english.keys()
        assert {key: values(text) for key, text in other.items() if "%" not in text} == {
            key: values(text) for key, text in english.items() if "%" not in text
        }


@pytest.mark.parametrize("language", LANGUAGES)
def test_ok__every_cause_and_kind_has_a_text(language: str) -> None:
    texts = Texts(language, "north", UTC)
    for cause in get_args(CauseName):
        if cause == "wanted":
            continue
        state = begun(NOON, cause).changed(Change.ENDS, NOON + HOUR, "")
        for kind in set(Kind) - {Kind.VEHICLES}:
            title, body = texts.of_cause(state, kind)
            assert title.startswith("north: ")
            assert "{" not in title + body
    for alarm in ("certain", "possible"):
        title, body = texts.of_vehicles([(Vehicle("p1", alarm, NOON), None)], 3)
        assert "3" in body
