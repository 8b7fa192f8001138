# SPDX-License-Identifier: Apache-2.0
"""The visitor's page behind the link: type the plate, see whether it is accepted, "I am here".

Nobody logs in here: the link is the key. Unknown links slow down the address that tries them.
"""

from __future__ import annotations

import logging

from starlette.responses import RedirectResponse, Response

from plategate.access.store.lists import ListName
from plategate.console.account_pages import network_of
from plategate.console.guard import text_field
from plategate.console.site import PageRequest
from plategate.console.visit_entries import PressResult, accept, entries_left, press
from plategate.console.visits import MOST_TRIES, Visit, VisitState
from plategate.errors import GateError, ListError
from plategate.list_service.client import new_id
from plategate.list_service.messages import LONGEST_TEXT

logger = logging.getLogger(__name__)

# States in which the visitor may type a plate, or another one.
OPEN_FOR_PLATE = (VisitState.INVITED, VisitState.ASKED, VisitState.REFUSED)


def show(asked: PageRequest) -> Response:
    """The visit as its visitor sees it."""
    visit = _visit_of(asked)
    return _gone(asked) if visit is None else _page(asked, visit)


def give_plate(asked: PageRequest) -> Response:
    """Take the plate that the visitor typed; the host or the rule of the visit accepts it."""
    visit = _visit_of(asked)
    if visit is None:
        return _gone(asked)
    if visit.state not in OPEN_FOR_PLATE or visit.tries >= MOST_TRIES:
        return _page(asked, visit, "visit_tries")
    site = asked.site
    try:
        typed = text_field(asked.form, "plate", LONGEST_TEXT)
        found = site.lists.check(ListName.ALLOW, typed)
        visit = site.visits.change(
            visit, plate=found["plate"], tries=visit.tries + 1, state=VisitState.ASKED.value
        )
        listed = site.gate.plate_state(ListName.ALLOW, visit.plate).in_force
        if visit.accepts and not found["problems"] and not listed:
            visit = accept(site, visit, f"visitor {visit.id} of {visit.host}")
    except ListError:
        return _page(asked, visit, "visit_plate")
    except GateError as error:
        logger.warning("visit %s: %s", visit.id, error)
        return _page(asked, visit, "visit_later")
    site.sessions.note(f"visit {visit.id}", asked.address, "visit_plate", visit.state.value)
    return RedirectResponse(_address(asked), status_code=303)


def press_here(asked: PageRequest) -> Response:
    """Open for the vehicle that stands at the gate."""
    visit = _visit_of(asked)
    if visit is None:
        return _gone(asked)
    try:
        lane = asked.site.lanes.named(asked.form.get("lane", ""))
        if lane is None:
            return _page(asked, visit, "visit_lane")
        identity = asked.form.get("id") or new_id()
        result = press(asked.site, lane.gate, visit, asked.address, identity)
    except GateError as error:
        logger.warning("visit %s: %s", visit.id, error)
        return _page(asked, visit, "visit_later")
    asked.site.sessions.note(f"visit {visit.id}", asked.address, "visit_here", result.value)
    return _page(asked, asked.site.visits.get(visit.id) or visit, pressed=result)


def _visit_of(asked: PageRequest) -> Visit | None:
    """The visit of the link; None for an unknown one, and while its address has to wait."""
    sessions, who = asked.site.sessions, network_of(asked.address)
    if sessions.waiting_s(visitor=who) > 0:
        return None
    visit = asked.site.visits.find(asked.request.path_params["token"])
    if visit is None:
        sessions.failed(visitor=who)
    return visit


def _address(asked: PageRequest) -> str:
    return f"/visit/{asked.request.path_params['token']}"


def _gone(asked: PageRequest) -> Response:
    return asked.site.render(asked, "visitor_gone.html", 404)


def _page(
    asked: PageRequest, visit: Visit, wrong: str = "", pressed: PressResult | None = None
) -> Response:
    site = asked.site
    try:
        left = entries_left(site, visit)
    except GateError as error:
        logger.warning("visit %s: %s", visit.id, error)
        left = visit.entries
    now = site.now()
    return site.render(
        asked,
        "visitor.html",
        503 if wrong == "visit_later" else 400 if wrong else 200,
        visit=visit,
        address=_address(asked),
        left=left,
        begun=visit.starts_at <= now,
        may_type=visit.state in OPEN_FOR_PLATE and visit.tries < MOST_TRIES,
        may_press=visit.state is VisitState.ACCEPTED and visit.starts_at <= now and left > 0,
        wrong=wrong,
        pressed=pressed.value if pressed else "",
        typed=text_field(asked.form, "plate", LONGEST_TEXT) or visit.plate,
    )
