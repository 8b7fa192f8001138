# SPDX-License-Identifier: Apache-2.0
"""The page of wanted vehicles and alarms: what happened, what lasts, and who acknowledged it."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from plategate.console.accounts import Right
from plategate.console.gate_pages import give
from plategate.console.guard import (
    MOST_DIGITS,
    RefusedRequest,
    number_field,
    or_sentence,
    text_field,
)
from plategate.console.site import PageRequest
from plategate.journal.alarms import WANTED, Alarm
from plategate.journal.reader import StoredEvent
from plategate.remote.protocol import TEXTS, AnswerResult, ServiceName

ON_PAGE = 25


def alarms(asked: PageRequest) -> Response:
    """The newest alarms; vehicles and their pictures only for those who may see them."""
    return _page(asked)


def acknowledge(asked: PageRequest) -> Response:
    """Acknowledge an alarm through the gate, which keeps it as an event with who and why."""
    number = asked.form.get("sequence", "")
    why = text_field(asked.form, "why", TEXTS["why"])
    if not (number.isascii() and number.isdigit()) or len(number) > MOST_DIGITS:
        raise RefusedRequest(404, "not_found")
    if not why:
        raise RefusedRequest(400, "why")
    data = {"sequence": int(number)}
    answer = give(asked, ServiceName.ACKNOWLEDGE, why=why, detail=number, data=data)
    if answer.result not in (AnswerResult.ACCEPTED, AnswerResult.REPEATED):
        return _page(asked, answer.reason, 409)
    return RedirectResponse("/alarms", status_code=303)


def check_journal(asked: PageRequest) -> Response:
    """Check the hash chain of the whole journal, and show the page with the result."""
    report = asked.site.gate.verify()
    return _page(asked, checked=(report.passages + report.events, report.broken_at))


def _page(
    asked: PageRequest,
    refused: str = "",
    status: int = 200,
    checked: tuple[int, tuple[int, ...]] | None = None,
) -> Response:
    site, people = asked.site, Right.PEOPLE in asked.person().role.rights
    before = number_field(asked.query.get("before", ""))
    found, journal_fails = or_sentence(lambda: site.gate.alarms(ON_PAGE + 1, before))
    shown = [(alarm, _vehicle(asked, alarm) if people else None) for alarm in found[:ON_PAGE]]
    return site.render(
        asked,
        "alarms.html",
        status,
        shown=[pair for pair in shown if people or pair[0].stored.event.what != WANTED],
        more=found[ON_PAGE - 1].stored.sequence if len(found) > ON_PAGE else None,
        journal_fails=journal_fails,
        refused=refused,
        checked=checked,
    )


def _vehicle(asked: PageRequest, alarm: Alarm) -> StoredEvent | None:
    """The passage of an alarm."""
    passage_id = alarm.stored.event.passage_id
    if passage_id is None:
        return None
    found = asked.site.gate.passage(passage_id)
    return found[0] if found and found[0].kind == "passage" else None
