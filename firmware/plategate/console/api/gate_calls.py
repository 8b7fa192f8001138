# SPDX-License-Identifier: Apache-2.0
"""Calls about the gate and the console: state, health, figures, lists, audit log, logins."""

from __future__ import annotations

from datetime import UTC, datetime

from starlette.responses import Response

from plategate.access.store.lists import ListName
from plategate.clock import utc_text
from plategate.console.api.call import ApiCall, json_answer, page_answer
from plategate.console.api.inputs import EntryQuery, PageQuery, page_position
from plategate.console.api.problems import Problem
from plategate.console.figures import MOST_PASSAGES, figures_of, first_moment
from plategate.documents import entry_document
from plategate.health.gate_state import temperature_c


def lanes(call: ApiCall) -> Response:
    """The lanes of the console."""
    return json_answer({"items": [{"name": name} for name in call.site.lanes.names]})


def gate(call: ApiCall) -> Response:
    """State of the lane and of the allow list."""
    status = call.lane.gate.status()
    keys = ("at", "ready", "version", "lane", "allow_list")
    return json_answer({key: status.get(key) for key in keys})


def health(call: ApiCall) -> Response:
    """Failures, ages, counters and threads of the gate."""
    status = call.lane.gate.status()
    left_out = ("lane", "allow_list", "pid", "metres")
    document = {key: value for key, value in status.items() if key not in left_out}
    return json_answer(document | {"temperature_c": temperature_c()})


def figures(call: ApiCall) -> Response:
    """Passages by day and by reason, and the time from trigger to relay."""
    site = call.site
    now = datetime.fromtimestamp(site.now(), UTC)
    found = site.lanes.passages_since(first_moment(now, site.zone), MOST_PASSAGES)
    shown = figures_of((item.document for item in found), now, site.zone)
    to_relay = shown.to_relay_ms
    return json_answer(
        {
            "days": [{"day": day.day.isoformat(), "passages": day.counts} for day in shown.days],
            "reasons": [
                {"result": result, "reason": reason, "passages": number}
                for result, reason, number in shown.reasons
            ],
            "trigger_to_relay_ms": None
            if to_relay is None
            else {"p50": to_relay[0], "p95": to_relay[1]},
            "complete": shown.complete,
        }
    )


def lists(call: ApiCall) -> Response:
    """The three lists and their state; `state` is null for a list that was never imported."""
    items = [
        {
            "name": name.value,
            "state": None
            if state is None
            else {
                "generation": state.generation,
                "entries": state.entries,
                "serial": state.serial,
                "source": state.source,
                "replaced_at": state.replaced_at.isoformat(),
                "confirmed_at": state.confirmed_at.isoformat(),
            },
        }
        for name, state in call.site.gate.list_states().items()
    ]
    return json_answer({"items": items})


def entries(call: ApiCall) -> Response:
    """Entries of a list in the order of its file."""
    query: EntryQuery = call.query
    name = list_name(call)
    state = call.site.gate.list_states()[name]
    generation = 0 if state is None else state.generation
    offset = page_position(query.cursor, generation) or 0
    found = call.site.gate.entries(name, query.search or "", offset, query.limit + 1)
    following = f"{generation}-{offset + query.limit}" if len(found) > query.limit else None
    return page_answer([entry_document(entry) for entry in found[: query.limit]], following)


def list_name(call: ApiCall) -> ListName:
    """The list of the path. Raises Problem."""
    try:
        return ListName(call.path("list"))
    except ValueError:
        known = ", ".join(ListName)
        raise Problem("not_found", f"{call.path('list')[:40]!r} is no list; {known} are") from None


def audit(call: ApiCall) -> Response:
    """The audit log of the console, newest line first."""
    query: PageQuery = call.query
    before = page_position(query.cursor, 0)
    lines = call.site.sessions.audit(query.limit + 1, before)
    shown = lines[: query.limit]
    following = f"0-{shown[-1]['number']}" if len(lines) > query.limit else None
    return page_answer(shown, following)


def logins(call: ApiCall) -> Response:
    """Logins of people to the pages, the last used one first."""
    items = [
        {
            "id": item.identity,
            "account": item.account,
            "role": item.role.value,
            "created_at": utc_text(item.created_at),
            "seen_at": utc_text(item.seen_at),
            "address": item.address,
            "agent": item.agent,
        }
        for item in call.site.sessions.all()
    ]
    return json_answer({"items": items})


def end_login(call: ApiCall) -> Response:
    """End a login."""
    identity = call.path("id")
    found = [item for item in call.site.sessions.all() if item.identity == identity]
    if not found or not call.site.sessions.end(identity):
        raise Problem("not_found", "there is no such login, or it has ended")
    call.note("session_ended", found[0].account)
    return Response(status_code=204)
