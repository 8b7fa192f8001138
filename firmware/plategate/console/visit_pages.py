# SPDX-License-Identifier: Apache-2.0
"""The host's pages of visits: announce one, show its link and QR code, approve, refuse, revoke."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from plategate.access.store.lists import ListName
from plategate.console import visitor_pages
from plategate.console.accounts import InputError, Right
from plategate.console.guard import RefusedRequest, number_field, page, text_field
from plategate.console.list_pages import SPANS
from plategate.console.site import PageRequest
from plategate.console.visit_entries import accept, end_entry, entries_left, tidy
from plategate.console.visits import (
    MOST_DAYS,
    MOST_ENTRIES,
    TooManyVisits,
    Visit,
    VisitState,
)
from plategate.errors import ListError
from plategate.list_service.client import new_id

LONGEST_HOLDER = 80


def routes() -> list[Route]:
    """The routes of hosts and visitors."""
    pages = (
        ("/visits", visits, Right.LISTS),
        ("/visits/{number}", visit, Right.LISTS),
        ("/visit/{token}", visitor_pages.show, None),
    )
    forms = (
        ("/visits/add", add, Right.LISTS),
        ("/visits/answer", answer, Right.LISTS),
        ("/visit/{token}/plate", visitor_pages.give_plate, None),
        ("/visit/{token}/here", visitor_pages.press_here, None),
    )
    return [
        *(Route(path, page(right, show), methods=["GET"]) for path, show, right in pages),
        *(Route(path, page(right, follow), methods=["POST"]) for path, follow, right in forms),
    ]


def visits(asked: PageRequest) -> Response:
    """All visits, those that wait for approval first, and the form for a new one."""
    return _visits_page(asked)


def visit(asked: PageRequest) -> Response:
    """One visit: its link to send, its QR code to show, and what can be done with it."""
    return _visit_page(asked, _found(asked, asked.request.path_params["number"]))


def add(asked: PageRequest) -> Response:
    """Announce a visit."""
    tidy(asked.site)
    try:
        holder = text_field(asked.form, "holder", LONGEST_HOLDER)
        if not holder:
            raise InputError("visit_holder")
        starts_at, ends_at = _window(asked)
        entries = _entries(asked.form.get("entries", "1").strip())
        made = asked.site.visits.make(
            request=text_field(asked.form, "id", 64) or new_id(),
            host=asked.person().account,
            holder=holder,
            starts_at=starts_at,
            ends_at=ends_at,
            entries=entries,
            accepts=asked.form.get("rule") == "accept",
        )
    except InputError as error:
        return _visits_page(asked, error.key)
    except TooManyVisits:
        return _visits_page(asked, "visit_many")
    _note(asked, "visit_made", made)
    return RedirectResponse(f"/visits/{made.id}", status_code=303)


def answer(asked: PageRequest) -> Response:
    """Approve or refuse a plate, revoke a visit, or give it a new link."""
    site, person = asked.site, asked.person()
    found = _found(asked, asked.form.get("visit", ""))
    who = f"{person.role}:{person.account}"
    match asked.form.get("answer", ""):
        case "accept" if found.state in (VisitState.ASKED, VisitState.REFUSED) and found.plate:
            if found.plate != asked.form.get("plate"):
                return _visit_page(asked, found, "visit_changed")
            try:
                found = accept(site, found, who)
            except ListError as error:
                return _visit_page(asked, found, "list_refused", str(error))
            _note(asked, "visit_accepted", found)
        case "refuse" if found.state is VisitState.ASKED:
            found = site.visits.change(found, state=VisitState.REFUSED.value)
            _note(asked, "visit_refused", found)
        case "revoke" if found.state is not VisitState.REVOKED:
            # The link ends first: it must not open while the entry cannot be removed.
            found = site.visits.change(found, state=VisitState.REVOKED.value)
            end_entry(site, found, who, f"visit {found.id} is revoked")
            _note(asked, "visit_revoked", found)
        case "renew" if found.state is not VisitState.REVOKED:
            found = site.visits.renew(found)
            _note(asked, "visit_renewed", found)
        case _:
            return _visit_page(asked, found, "visit_changed")
    return RedirectResponse(f"/visits/{found.id}", status_code=303)


def link_of(asked: PageRequest, found: Visit) -> str:
    """The link of the visitor."""
    url = asked.request.url
    base = asked.site.settings.visitor_url or f"{url.scheme}://{url.netloc}"
    return f"{base}/visit/{asked.site.visits.token_of(found)}"


def _entries(text: str) -> int:
    """The number of entries that the form names; raises InputError."""
    if text.isascii() and text.isdigit() and len(text) <= len(str(MOST_ENTRIES)):
        number = int(text)
        if 1 <= number <= MOST_ENTRIES:
            return number
    raise InputError("visit_entries")


def _window(asked: PageRequest) -> tuple[float, float]:
    """Beginning and end that the form names; raises InputError."""
    site, form = asked.site, asked.form
    now = datetime.fromtimestamp(site.now(), site.zone)
    starts = _moment(asked, "from") or now
    ends = _moment(asked, "until")
    longest = timedelta(days=MOST_DAYS)
    if starts - now > longest:
        raise InputError("visit_window")
    if ends is None:
        days = SPANS.get(form.get("span", "today"), 0)
        last = max(starts, now).date() + timedelta(days=days + 1)
        ends = datetime.combine(last, time(), site.zone)
    if not now < ends or not starts < ends or ends - starts > longest:
        raise InputError("visit_window")
    return starts.timestamp(), ends.timestamp()


def _moment(asked: PageRequest, name: str) -> datetime | None:
    """A time of the form, in the zone of the gate."""
    text = asked.form.get(name, "").strip()
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InputError("visit_window") from None
    return found if found.tzinfo else found.replace(tzinfo=asked.site.zone)


def _found(asked: PageRequest, number: str) -> Visit:
    found = asked.site.visits.get(number_field(number) or 0)
    if found is None:
        raise RefusedRequest(404, "not_found")
    return found


def _note(asked: PageRequest, what: str, found: Visit) -> None:
    asked.site.sessions.note(asked.person().account, asked.address, what, f"visit {found.id}")


def _visits_page(asked: PageRequest, wrong: str = "") -> Response:
    return asked.site.render(
        asked,
        "visits.html",
        400 if wrong else 200,
        visits=asked.site.visits.all(),
        now=asked.site.now(),
        spans=list(SPANS),
        most=MOST_ENTRIES,
        form=asked.form,
        wrong=wrong,
    )


def _visit_page(asked: PageRequest, found: Visit, wrong: str = "", detail: str = "") -> Response:
    site = asked.site
    problems: list[dict[str, Any]] = []
    if found.state is VisitState.ASKED:
        problems = site.lists.check(ListName.ALLOW, found.plate)["problems"]
    is_open = found.state is not VisitState.REVOKED and found.ends_at > site.now()
    link = link_of(asked, found) if is_open else ""
    return site.render(
        asked,
        "visit.html",
        400 if wrong else 200,
        visit=found,
        link=link,
        left=entries_left(site, found),
        problems=problems,
        is_open=is_open,
        wrong=wrong,
        detail=detail,
    )
