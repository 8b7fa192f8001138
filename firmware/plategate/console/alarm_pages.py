# SPDX-License-Identifier: Apache-2.0
"""The page of wanted vehicles and alarms: what happened, what lasts, and who acknowledged it."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from plategate.console.accounts import Right
from plategate.console.gate_pages import give
from plategate.console.guard import RefusedRequest, text_field, whole_number
from plategate.console.lanes import Lane
from plategate.console.site import PageRequest
from plategate.errors import ConsoleError
from plategate.journal.alarms import WANTED, Alarm
from plategate.journal.reader import StoredEvent
from plategate.remote.protocol import TEXTS, AnswerResult, ServiceName

ON_PAGE = 25


def alarms(asked: PageRequest) -> Response:
    """The newest alarms; vehicles and their pictures only for those who may see them."""
    return _page(asked)


def acknowledge(asked: PageRequest) -> Response:
    """Acknowledge an alarm through the gate, which keeps it as an event with who and why."""
    number = whole_number(asked.form.get("sequence", ""))
    why = text_field(asked.form, "why", TEXTS["why"])
    if number is None:
        raise RefusedRequest(404, "not_found")
    if not why:
        raise RefusedRequest(400, "why")
    data = {"sequence": number}
    answer = give(asked, ServiceName.ACKNOWLEDGE, why=why, detail=str(number), data=data)
    if answer.result not in (AnswerResult.ACCEPTED, AnswerResult.REPEATED):
        return _page(asked, answer.reason, 409)
    return RedirectResponse("/alarms", status_code=303)


def check_journal(asked: PageRequest) -> Response:
    """Check the hash chain of the whole journal, and show the page with the result."""
    reports = [lane.gate.verify() for lane in asked.site.lanes.all]
    number = sum(report.passages + report.events for report in reports)
    return _page(asked, checked=(number, tuple(at for each in reports for at in each.broken_at)))


def _page(
    asked: PageRequest,
    refused: str = "",
    status: int = 200,
    checked: tuple[int, tuple[int, ...]] | None = None,
) -> Response:
    site, people = asked.site, Right.PEOPLE in asked.person().role.rights
    try:
        found = site.lanes.alarms(ON_PAGE, asked.query.get("before", ""))
    except ConsoleError:
        raise RefusedRequest(400, "search") from None
    shown = [
        (lane.name, alarm, _vehicle(lane, alarm) if people else None) for lane, alarm in found.items
    ]
    return site.render(
        asked,
        "alarms.html",
        status,
        shown=[item for item in shown if people or item[1].stored.event.what != WANTED],
        more=found.more,
        journal_fails=found.fails,
        refused=refused,
        checked=checked,
    )


def _vehicle(lane: Lane, alarm: Alarm) -> StoredEvent | None:
    """The passage of an alarm."""
    passage_id = alarm.stored.event.passage_id
    if passage_id is None:
        return None
    found = lane.gate.passage(passage_id)
    return found[0] if found and found[0].kind == "passage" else None
