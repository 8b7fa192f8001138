# SPDX-License-Identifier: Apache-2.0
"""Calls about what happened: passages, one passage, its pictures, events."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from starlette.responses import Response

from plategate.console.api.call import ApiCall, json_answer, page_answer
from plategate.console.api.inputs import AlarmQuery, EventQuery, PassageQuery, page_position
from plategate.console.api.problems import Problem
from plategate.console.gate_access import plate_part
from plategate.documents import PASSAGE, entry_document
from plategate.journal.alarms import Alarm
from plategate.journal.reader import EventFilter


def passages(call: ApiCall) -> Response:
    """Passages, newest first."""
    query: PassageQuery = call.query
    part = None
    if query.plate is not None and query.plate.strip():
        part = plate_part(query.plate)
        if not part:
            return page_answer([], None)  # no plate contains what is searched
    return _page(
        call,
        EventFilter(
            since=query.since, until=query.until, plate_part=part,
            result=None if query.result is None else query.result.value,
        ),
    )  # fmt: skip


def events(call: ApiCall) -> Response:
    """Everything in the journal, newest first."""
    query: EventQuery = call.query
    return _page(call, EventFilter(kind=query.kind, since=query.since, until=query.until))


def alarms(call: ApiCall) -> Response:
    """Events that call for a person, newest first, with their end and who acknowledged them."""
    query: AlarmQuery = call.query
    gate = call.lane.gate
    journal, _ = gate.position()
    found = gate.alarms(query.limit + 1, page_position(query.cursor, journal))
    shown = found[: query.limit]
    following = f"{journal}-{shown[-1].stored.sequence}" if len(found) > query.limit else None
    return page_answer([_alarm_document(alarm) for alarm in shown], following)


def passage(call: ApiCall) -> Response:
    """One passage with its events and the listed plates that are nearest to its reading."""
    found = call.lane.gate.passage(call.path("passage_id"))
    if not found or found[0].kind != PASSAGE:
        raise _no_passage(call)
    nearest = call.lane.gate.nearest(found[0])
    return json_answer(
        {
            "passage": found[0].public_document(),
            "events": [item.public_document() for item in found[1:]],
            "nearest": [
                {"list": name.value, "entry": entry_document(entry)} for name, entry in nearest
            ],
        }
    )


def picture(call: ApiCall) -> Response:
    """A picture of a passage."""
    gate = call.lane.gate
    passage = gate.passage(call.path("passage_id"))
    found = gate.picture(passage[0], call.path("kind")) if passage else None
    if found is None:
        raise _no_passage(call)
    content, media_type = found
    return Response(content, media_type=media_type)


def check_journal(call: ApiCall) -> Response:
    """Check the hash chain of a lane's whole journal."""
    report = call.lane.gate.verify()
    return json_answer(
        {
            "passages": report.passages,
            "events": report.events,
            "forgotten": report.forgotten,
            "broken_at": list(report.broken_at),
        }
    )


def _alarm_document(alarm: Alarm) -> dict[str, Any]:
    by = alarm.acknowledged
    return {
        "event": alarm.stored.public_document(),
        "lasts": alarm.lasts,
        "ended_at": None if alarm.ended_at is None else alarm.ended_at.isoformat(),
        "acknowledged": None
        if by is None
        else {"who": by.who, "why": by.why, "at": by.at.isoformat()},
    }


def _no_passage(call: ApiCall) -> Problem:
    shown = call.path("passage_id")[:60]
    return Problem(
        "not_found", f"passage {shown!r}: there is no such passage or picture, or not any more"
    )


def _page(call: ApiCall, wanted: EventFilter) -> Response:
    query: PassageQuery | EventQuery = call.query
    journal, _ = call.lane.gate.position()
    before = page_position(query.cursor, journal)
    found = call.lane.gate.newest(query.limit + 1, replace(wanted, before=before))
    shown = found[: query.limit]
    following = f"{journal}-{shown[-1].sequence}" if len(found) > query.limit else None
    return page_answer([item.public_document() for item in shown], following)
