# SPDX-License-Identifier: Apache-2.0
"""Calls about visits: invite, list, approve, refuse, revoke, make a new link."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from plategate.clock import utc_text
from plategate.console.accounts import InputError, Right
from plategate.console.api.bodies import VisitAnswerBody, VisitBody
from plategate.console.api.call import ApiCall, json_answer
from plategate.console.api.inputs import visible_text
from plategate.console.api.keys import REPLAYED, key_memory, request_id
from plategate.console.api.problems import Problem, refused_field
from plategate.console.guard import whole_number
from plategate.console.visit_entries import entries_left
from plategate.console.visit_hosting import (
    NOTES,
    OPEN_FOR_ACCEPT,
    answer_visit,
    invite,
    is_open,
    link_of,
    problems_of,
)
from plategate.console.visits import LONGEST_HOLDER, MOST_DAYS, TooManyVisits, Visit, VisitAnswer
from plategate.errors import ListError, printable


def visits(call: ApiCall) -> Response:
    """All visits, those that wait for approval first."""
    return json_answer({"items": [_document(visit) for visit in call.site.visits.all()]})


def visit(call: ApiCall) -> Response:
    """One visit with its link, the entries that are left, and the warnings about its plate."""
    return json_answer(_in_full(call, _found(call)))


def add_visit(call: ApiCall) -> Response:
    """Invite a visitor."""
    body: VisitBody = call.body
    memory = key_memory(call)
    if (known := memory.find(call)) is not None:
        return json_answer(known, 200, **REPLAYED)
    try:
        made = invite(
            call.site,
            request=request_id(call),
            host=_host(call),
            holder=visible_text("body.holder", body.holder, LONGEST_HOLDER),
            starts_at=body.starts_at,
            ends_at=body.ends_at,
            entries=body.entries,
            accepts=body.accepts,
        )
    except InputError:
        detail = f"must be in the future, after starts_at, and within {MOST_DAYS} days of it"
        raise refused_field("body.ends_at", body.ends_at.isoformat(), detail) from None
    except TooManyVisits as error:
        raise Problem("refused", str(error)) from None
    call.note("visit_made", f"visit {made.id}")
    return _kept(call, made)


def answer_to_visit(call: ApiCall) -> Response:
    """Approve or refuse the plate of a visit, revoke the visit, or give it a new link."""
    body: VisitAnswerBody = call.body
    memory = key_memory(call)
    if (known := memory.find(call)) is not None:
        return json_answer(known, 200, **REPLAYED)
    found = _found(call)
    try:
        made = answer_visit(call.site, found, body.answer, body.plate, call.who)
    except ListError as error:
        raise Problem("refused", str(error)) from None
    if made is None:
        raise Problem("refused", f"visit {found.id}: {_why_not(found, body)}")
    call.note(NOTES[body.answer], f"visit {made.id}")
    return _kept(call, made)


def _why_not(found: Visit, body: VisitAnswerBody) -> str:
    """Why the visit does not allow an answer."""
    if body.answer is VisitAnswer.ACCEPT and not found.plate:
        return "the visitor has not typed a plate yet"
    if body.answer is not VisitAnswer.ACCEPT or found.state not in OPEN_FOR_ACCEPT:
        return f"it is {found.state}, so {body.answer} is not possible"
    return f"its plate is {found.plate}; send that in `plate` to approve it, not {body.plate!r}"


def _kept(call: ApiCall, made: Visit) -> Response:
    document = _in_full(call, made)
    key_memory(call).keep(call, document)
    return json_answer(document)


def _host(call: ApiCall) -> str:
    """The account that invites: the one that made the token. Raises Problem."""
    named, account = call.body.host, call.token.account
    if account is not None:
        if named not in (None, account):
            detail = f"this token invites for its account {account} only"
            raise refused_field("body.host", named, detail)
        return account
    hosts = [name for name, role in call.site.accounts.all() if Right.LISTS in role.rights]
    if named is None or named not in hosts:
        raise refused_field(
            "body.host", named, f"must be one of {', '.join(hosts)}: root made this token"
        )
    return str(named)


def _found(call: ApiCall) -> Visit:
    found = call.site.visits.get(whole_number(call.path("id")) or 0)
    if found is None:
        shown = printable(call.path("id"), 40)
        raise Problem("not_found", f"{shown!r}: there is no such visit, or not any more")
    return found


def _document(visit: Visit) -> dict[str, Any]:
    return {
        "id": visit.id,
        "host": visit.host,
        "holder": visit.holder,
        "starts_at": utc_text(visit.starts_at),
        "ends_at": utc_text(visit.ends_at),
        "entries": visit.entries,
        "accepts": visit.accepts,
        "state": visit.state.value,
        "plate": visit.plate or None,
    }


def _in_full(call: ApiCall, visit: Visit) -> dict[str, Any]:
    site = call.site
    return _document(visit) | {
        "entries_left": entries_left(site, visit),
        "link": link_of(site, call.request.url, visit) if is_open(site, visit) else None,
        "problems": problems_of(site, visit),
    }
