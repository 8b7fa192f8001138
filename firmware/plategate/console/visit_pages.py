# SPDX-License-Identifier: Apache-2.0
"""The host's pages of visits: invite, show link and QR code, approve, refuse, revoke."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from plategate.console import visitor_pages
from plategate.console.accounts import InputError, Right
from plategate.console.guard import RefusedRequest, number_field, page, text_field, whole_number
from plategate.console.list_pages import SPANS
from plategate.console.site import PageRequest
from plategate.console.visit_entries import entries_left
from plategate.console.visit_hosting import (
    NOTES,
    answer_visit,
    invite,
    is_open,
    link_of,
    problems_of,
)
from plategate.console.visits import (
    LONGEST_HOLDER,
    MOST_DAYS,
    MOST_ENTRIES,
    TooManyVisits,
    Visit,
    VisitAnswer,
)
from plategate.errors import ListError
from plategate.list_service.client import new_id


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
    """Invite a visitor."""
    try:
        holder = text_field(asked.form, "holder", LONGEST_HOLDER)
        if not holder:
            raise InputError("visit_holder")
        starts_at, ends_at = _window(asked)
        entries = _entries(asked.form.get("entries", "1").strip())
        made = invite(
            asked.site,
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
    site, person, form = asked.site, asked.person(), asked.form
    found = _found(asked, form.get("visit", ""))
    what = form.get("answer", "")
    if what not in tuple(VisitAnswer):
        return _visit_page(asked, found, "visit_changed")
    chosen, who = VisitAnswer(what), f"{person.role}:{person.account}"
    try:
        made = answer_visit(site, found, chosen, form.get("plate"), who)
    except ListError as error:
        return _visit_page(asked, found, "list_refused", str(error))
    if made is None:
        return _visit_page(asked, found, "visit_changed")
    _note(asked, NOTES[chosen], made)
    return RedirectResponse(f"/visits/{made.id}", status_code=303)


def _entries(text: str) -> int:
    """The number of entries that the form names; raises InputError."""
    number = whole_number(text)
    if number is None or not 1 <= number <= MOST_ENTRIES:
        raise InputError("visit_entries")
    return number


def _window(asked: PageRequest) -> tuple[datetime | None, datetime]:
    """Beginning and end that the form names; raises InputError."""
    site, form = asked.site, asked.form
    starts, ends = _moment(asked, "from"), _moment(asked, "until")
    if ends is None:
        now = datetime.fromtimestamp(site.now(), site.zone)
        if starts is not None and starts - now > timedelta(days=MOST_DAYS):
            raise InputError("visit_window")
        days = SPANS.get(form.get("span", "today"), 0)
        last = max(starts or now, now).date() + timedelta(days=days + 1)
        ends = datetime.combine(last, time(), site.zone)
    return starts, ends


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
    problems = problems_of(site, found)
    opens = is_open(site, found)
    link = link_of(site, asked.request.url, found) if opens else ""
    return site.render(
        asked,
        "visit.html",
        400 if wrong else 200,
        visit=found,
        link=link,
        left=entries_left(site, found),
        problems=problems,
        is_open=opens,
        wrong=wrong,
        detail=detail,
    )
