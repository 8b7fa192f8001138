# SPDX-License-Identifier: Apache-2.0
"""The pages of the history of the lists: who changed what and why, what it did, and undo."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from plategate.access.store.lists import ListName
from plategate.console.accounts import Role
from plategate.console.guard import RefusedRequest, number_field, text_field
from plategate.console.site import PageRequest
from plategate.errors import ListError
from plategate.list_service.client import Requester, new_id
from plategate.list_service.messages import LONGEST_WHY

CHANGES_ON_PAGE = 30
COMPARED_WITHIN_S = 120.0  # sources answer, or the page says that they did not
CHANGE_DETAIL = ("added", "edited", "removed", "followed", "undone", "replaced")


def history(asked: PageRequest) -> Response:
    """The changes of all lists, or of one, newest first."""
    query = asked.query
    chosen = query.get("list", "")
    if chosen and chosen not in tuple(ListName):
        raise RefusedRequest(404, "not_found")
    before = number_field(query.get("before", "")) or None
    name = ListName(chosen) if chosen else None
    found = asked.site.lists.history(name, before=before, limit=CHANGES_ON_PAGE + 1)
    return asked.site.render(
        asked,
        "list_history.html",
        changes=[described(each) for each in found[:CHANGES_ON_PAGE]],
        more=found[CHANGES_ON_PAGE - 1]["number"] if len(found) > CHANGES_ON_PAGE else None,
        names=list(ListName),
        chosen=chosen,
        done=done if (done := asked.query.get("done")) in ("undone", "undone_sync") else "",
    )


def change(asked: PageRequest) -> Response:
    """One change: its plates before and after it, and the button that undoes it."""
    return _change_page(asked, number_of(asked.request.path_params["number"]))


def undo(asked: PageRequest) -> Response:
    """Undo a change."""
    number = number_of(asked.form.get("number", ""))
    try:
        made = asked.site.lists.undo(requester(asked), number)
    except ListError as error:
        return _change_page(asked, number, str(error))
    note_change(asked, made)
    done = "undone_sync" if made["was_sync"] else "undone"
    return RedirectResponse(f"/lists/history?done={done}&list={made['list']}", status_code=303)


def sync_preview(asked: PageRequest) -> Response:
    """What the next sync would change; refreshes itself while the sources are being compared."""
    found = asked.site.lists.sync_preview()
    since = number_field(asked.query.get("since", "")) or 0
    waits = abs(asked.site.now() - since) < COMPARED_WITHIN_S
    preview = found["preview"]
    if preview is not None:
        for each in preview["changes"]:
            change = each["change"]
            count = change["added"] + change["removed"] + change["changed"]
            each["left"] = count - len(each["differences"])
    return asked.site.render(
        asked,
        "list_sync.html",
        sources=found["sources"],
        preview=preview,
        since=since if preview is None and waits else 0,
        late=bool(since) and preview is None and not waits,
    )


def start_preview(asked: PageRequest) -> Response:
    """Ask for a comparison of the sources with the lists."""
    asked.site.lists.sync_preview(start=True)
    return RedirectResponse(f"/lists/sync?since={asked.site.now():.0f}", status_code=303)


def requester(asked: PageRequest) -> Requester:
    """Who changes a list, why, and the id of the form, which makes a form sent twice count once."""
    person = asked.person()
    why = text_field(asked.form, "why", LONGEST_WHY)
    return Requester(f"{person.role}:{person.account}", why, asked.form.get("id") or new_id())


def note_change(asked: PageRequest, made: dict[str, Any]) -> None:
    """Add a change to the audit log, which names no plate."""
    detail = f"{made['list']} {made['kind']}: {made['number']}"
    asked.site.sessions.note(asked.person().account, asked.address, "list_changed", detail)


def described(made: dict[str, Any]) -> dict[str, Any]:
    """A change with the values of its sentence, and account and role of who made it."""
    role, _, account = made["who"].partition(":")
    known = role in tuple(Role) and bool(account)
    first: list[str] = made["plates"]
    count = made["added"] + made["removed"] + made["changed"]
    shown = ", ".join(first) or str(count)
    return {
        **made,
        "account": account if known else made["who"],
        "role": role if known else None,
        "shown": f"{shown} (+{count - len(first)})" if first and count > len(first) else shown,
        "entry": f"/lists/{made['list']}/{quote(first[0])}" if len(first) == 1 else None,
    }


def list_of(values: dict[str, Any]) -> ListName:
    """The list that a form or an address names; the allow list where it names none."""
    try:
        return ListName(values.get("list", ListName.ALLOW.value))
    except ValueError:
        raise RefusedRequest(404, "not_found") from None


def number_of(text: str) -> int:
    """The number of a change in an address or a form."""
    number = number_field(text)
    if not number:
        raise RefusedRequest(404, "not_found")
    return number


def _change_page(asked: PageRequest, number: int, detail: str = "") -> Response:
    try:
        found = asked.site.lists.differences(number)
    except ListError:
        raise RefusedRequest(404, "not_found") from None
    made = found["change"]
    count = made["added"] + made["removed"] + made["changed"]
    return asked.site.render(
        asked,
        "list_change.html",
        400 if detail else 200,
        change=described(made),
        differences=found["differences"],
        left=count - len(found["differences"]),
        detail=detail,
    )
