# SPDX-License-Identifier: Apache-2.0
"""Alarms acknowledged, samples kept and the journal checked through the API, by the gate itself."""

from __future__ import annotations

import sqlite3

import pytest

from plategate.clock import SystemClock
from plategate.console.app import build_app
from plategate.console.lanes import SettingsSource
from plategate.gate.acknowledging import Acknowledging
from plategate.gate.samples import SampleKeeper
from plategate.settings import Settings
from tests.console.bed import ConsoleBed, a_passage


@pytest.fixture
def alarmed(bed: ConsoleBed) -> ConsoleBed:
    """A gate with a fault, and a passage whose still it may keep."""
    samples = bed.settings.samples.model_copy(update={"consent": "Anna, 1 May"})
    settings: Settings = bed.settings.model_copy(update={"samples": samples})
    bed.app = build_app(settings, now=lambda: bed.clock_s, source=SettingsSource(lambda: settings))
    bed.site = bed.app.state.site
    alarms = Acknowledging(bed.journal, bed.folder / "journal", SystemClock(), "entrance")
    bed.services = {**alarms.services(), **SampleKeeper(lambda: settings).services()}
    bed.add_event("fault", "left_open")
    bed.add(a_passage("one", "QQ1234ZZ"))
    return bed


def test_ok__an_alarm_is_acknowledged_once_with_who_and_why(alarmed: ConsoleBed) -> None:
    program = alarmed.program("people", "command")
    (alarm,) = program.get("/alarms").json()["items"]
    path, key = f"/alarms/{alarm['event']['sequence']}/acknowledge", {"Idempotency-Key": "one"}
    answers = [program.post(path, json={"why": "seen"}, headers=key) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[1].headers["idempotent-replayed"] == "true"
    assert len(alarmed.commands) == 1
    (alarm,) = program.get("/alarms").json()["items"]
    assert (alarm["acknowledged"]["who"], alarm["acknowledged"]["why"]) == (
        "token:program", "seen",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("sequence", "why", "status"),
    [("9999", "seen", 409), ("x", "seen", 404), ("9" * 30, "seen", 404), ("1", " ", 400)],
)
def test_fail__what_is_no_alarm_is_not_acknowledged(
    alarmed: ConsoleBed, sequence: str, why: str, status: int
) -> None:
    answer = alarmed.program("command").post(
        f"/alarms/{sequence}/acknowledge", json={"why": why}, headers={"Idempotency-Key": "one"}
    )
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_ok__the_chain_of_the_journal_is_checked(alarmed: ConsoleBed) -> None:
    program = alarmed.program("look")
    found = program.get("/journal/check").json()
    assert (found["passages"], found["events"], found["broken_at"]) == (1, 1, [])
    with sqlite3.connect(alarmed.folder / "journal" / "journal.sqlite") as journal:
        journal.execute("UPDATE passages SET document = replace(document, 'left_open', 'moved')")
    assert program.get("/journal/check").json()["broken_at"] != []


def test_ok__a_still_is_kept_with_what_a_person_read_and_no_log_has_it(
    alarmed: ConsoleBed,
) -> None:
    answer = alarmed.program("lists").post(
        "/passages/one/sample", json={"text": "QQ 1234 ZX"}, headers={"Idempotency-Key": "one"}
    )
    assert answer.status_code == 200, answer.text
    (kept,) = SampleKeeper(lambda: alarmed.settings)._store.all()
    assert (kept.id, kept.text) == ("one", "QQ1234ZX")
    assert "1234" not in str(alarmed.site.sessions.audit())


@pytest.mark.parametrize(
    ("passage", "text", "status"),
    [("one", "???", 409), ("two", "QQ1ZZ", 409), ("one", " ", 400), ("one", "Q" * 41, 400)],
)
def test_fail__what_is_no_plate_or_no_passage_is_not_kept(
    alarmed: ConsoleBed, passage: str, text: str, status: int
) -> None:
    answer = alarmed.program("lists").post(
        f"/passages/{passage}/sample", json={"text": text}, headers={"Idempotency-Key": "one"}
    )
    assert answer.status_code == status, answer.text
    assert SampleKeeper(lambda: alarmed.settings)._store.all() == []
