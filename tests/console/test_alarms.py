# SPDX-License-Identifier: Apache-2.0
"""Guards: wanted vehicles and alarms are shown to whom they concern, and acknowledged."""

from __future__ import annotations

import html

import pytest

from plategate.clock import SystemClock
from plategate.console.accounts import Role
from plategate.gate.acknowledging import Acknowledging
from plategate.values import GateEvent, Result

from .bed import AT, ConsoleBed, a_passage, form_values


@pytest.fixture
def alarmed(bed: ConsoleBed) -> ConsoleBed:
    """A journal with a wanted vehicle, a fault that lasts, and a mode."""
    bed.add(a_passage("one", "QQ1234ZZ", Result.REFUSED))
    bed.add_event("mode", "automatic")
    for what, passage_id, detail in (
        ("alarm", "one", "wanted: certain"),
        ("fault", None, "left_open"),
        ("list_set_aside", None, "estate: not signed"),
    ):
        bed.journal.add_event(GateEvent(f"id-{what}", "entrance", AT, what, passage_id, detail))
    service = Acknowledging(bed.journal, bed.folder / "journal", SystemClock(), "entrance")
    bed.services = {**service.services()}
    return bed


def page_of(bed: ConsoleBed, role: Role, **headers: str) -> str:
    return html.unescape(bed.logged_in(role).get("/alarms", headers=headers).text)


def test_ok__wanted_vehicles_and_faults_are_shown(alarmed: ConsoleBed) -> None:
    page = page_of(alarmed, Role.VIEWER)
    assert "Wanted or blocked vehicle" in page
    assert 'href="/passages/one"' in page
    assert "QQ1234ZZ" in page
    assert "Fault: the arm stayed up too long" in page
    assert "<b>lasts</b>" in page
    assert "automatic" not in page
    assert "/alarms/acknowledge" not in page  # a viewer gives no commands


def test_fail__an_installer_sees_faults_and_no_vehicle(alarmed: ConsoleBed) -> None:
    page = page_of(alarmed, Role.INSTALLER)
    assert "Fault:" in page
    assert "QQ1234ZZ" not in page
    assert "/passages/one" not in page
    assert "Wanted" not in page


def test_ok__an_alarm_is_acknowledged_by_the_gate(alarmed: ConsoleBed) -> None:
    browser = alarmed.logged_in(Role.GUARD)
    sequence = alarmed.site.gate.alarms(10)[-1].stored.sequence
    form = {**form_values(browser, "/alarms"), "sequence": str(sequence), "why": "police came"}
    assert browser.post("/alarms/acknowledge", data=form).status_code == 303
    page = html.unescape(browser.get("/alarms").text)
    assert "Acknowledged by guard:a-guard" in page
    assert "police came" in page
    again = browser.post("/alarms/acknowledge", data={**form, "id": "again"})
    assert again.status_code == 409
    assert "has acknowledged it" in again.text


@pytest.mark.parametrize(
    ("form", "status"),
    [({"sequence": "x"}, 404), ({"sequence": "9" * 20}, 404), ({"why": ""}, 400)],
)
def test_fail__a_wrong_form_sends_nothing(
    alarmed: ConsoleBed, form: dict[str, str], status: int
) -> None:
    browser = alarmed.logged_in(Role.GUARD)
    given = {**form_values(browser, "/alarms"), "sequence": "3", "why": "x", **form}
    assert browser.post("/alarms/acknowledge", data=given).status_code == status
    assert alarmed.commands == []


def test_ok__the_chain_of_the_journal_is_checked(alarmed: ConsoleBed) -> None:
    browser = alarmed.logged_in(Role.VIEWER)
    page = browser.post("/alarms/check", data=form_values(browser, "/alarms")).text
    assert "The journal is intact: 5 events checked." in page


def test_ok__german_pages_name_every_alarm_in_german(alarmed: ConsoleBed) -> None:
    page = page_of(alarmed, Role.OWNER, **{"accept-language": "de"})
    assert "Gesuchtes oder gesperrtes Fahrzeug" in page
    assert "Störung: der Baum blieb zu lange oben" in page
