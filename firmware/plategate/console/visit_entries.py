# SPDX-License-Identifier: Apache-2.0
"""What a visit does at the gate: its entry on the allow list, and openings by "I am here".

An accepted visit has an entry with its window and its number of entries, so that the gate lets the
plate in and ends it by itself. Each opening by "I am here" takes one entry from it.
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime
from enum import StrEnum

from plategate.access.files.entries import fields_of
from plategate.access.store.lists import ListName
from plategate.console.gate_access import GateAccess
from plategate.console.site import ConsoleSite
from plategate.console.visits import MOST_PRESSES, PRESS_EVERY_S, Visit, VisitState
from plategate.errors import GateError, ListError
from plategate.list_service.client import Requester
from plategate.messages import CommandName
from plategate.remote.protocol import AnswerResult
from plategate.values import ListEntry

logger = logging.getLogger(__name__)

GROUP = "visitors"
TIDY_EVERY_S = 600.0
_one_press = threading.Lock()  # entries are counted and compared by one press at a time


class PressResult(StrEnum):
    """What "I am here" did."""

    OPENED = "opened"
    NOT_ACCEPTED = "not_accepted"
    TOO_EARLY = "too_early"
    NONE_LEFT = "none_left"
    TOO_OFTEN = "too_often"
    NO_TIME = "no_time"  # the gate does not know the time, so it cannot check the window
    LISTED_ELSEWHERE = "listed_elsewhere"  # the plate is blocked or wanted
    REFUSED = "refused"  # no vehicle stands there, or the gate may not open now


def accept(site: ConsoleSite, visit: Visit, who: str) -> Visit:
    """Let the plate of a visit in: add its entry, unless the allow list has the plate already.

    Raises ListError and ListServiceError.
    """
    state = site.gate.plate_state(ListName.ALLOW, visit.plate)
    if not state.in_force:
        by = Requester(who, f"visit {visit.id}", f"{visit.request}-accept-{visit.tries}")
        fields = fields_of(_entry(visit), site.zone)
        site.lists.add(by, ListName.ALLOW, {key: text for key, text in fields.items() if text})
    listed = not state.in_force or _own_entry(site, visit) is not None
    return site.visits.change(visit, state=VisitState.ACCEPTED.value, listed=listed)


def entries_left(site: ConsoleSite, visit: Visit) -> int:
    """How often the gate may still open for a visit, by plate or by "I am here"."""
    entry = _own_entry(site, visit)
    used = site.gate.uses_of(entry) if entry is not None else 0
    return max(0, visit.entries - used - visit.opened)


def end_entry(site: ConsoleSite, visit: Visit, who: str, why: str) -> None:
    """Remove the entry of a visit, where it is the only one of its plate; others are not its own.

    Raises ListServiceError.
    """
    entries = site.gate.plate_state(ListName.ALLOW, visit.plate).in_force if visit.plate else ()
    if not visit.listed or len(entries) != 1 or entries[0].note != _note(visit):
        return
    try:
        by = Requester(who, why, f"{visit.request}-end-{visit.tries}")
        site.lists.remove(by, ListName.ALLOW, visit.plate)
    except ListError as error:  # somebody removed it meanwhile
        logger.info("visit %s: %s", visit.id, error)


def press(
    site: ConsoleSite, gate: GateAccess, visit: Visit, address: str, identity: str
) -> PressResult:
    """Open for the vehicle that stands at the gate of a lane; raises GateError."""
    with _one_press:
        found, now = site.visits.get(visit.id), site.now()
        if found is None:
            return PressResult.NOT_ACCEPTED
        refused = _refusal(site, found, now) or _refusal_now(site, gate, found)
        if refused is not None:
            return refused
        found = site.visits.change(found, presses=found.presses + 1, pressed_at=now)
        answer = gate.command(
            CommandName.OPEN,
            identity=identity,
            why=f"visit {visit.id}: I am here",
            who=f"visitor {visit.id} of {visit.host}",
            source=address,
            only_for_vehicle=True,
        )
        if answer.result is not AnswerResult.ACCEPTED:
            return PressResult.REFUSED
        settle(site, site.visits.change(found, opened=found.opened + 1))
        return PressResult.OPENED


def _refusal(site: ConsoleSite, visit: Visit, now: float) -> PressResult | None:
    """Why the visit itself does not allow it."""
    if visit.state is not VisitState.ACCEPTED:
        return PressResult.NOT_ACCEPTED
    if not visit.starts_at <= now < visit.ends_at:
        return PressResult.TOO_EARLY
    if visit.presses >= MOST_PRESSES or abs(now - visit.pressed_at) < PRESS_EVERY_S:
        return PressResult.TOO_OFTEN
    return PressResult.NONE_LEFT if entries_left(site, visit) < 1 else None


def _refusal_now(site: ConsoleSite, gate: GateAccess, visit: Visit) -> PressResult | None:
    """Why the gate should not be asked: its clock, or a list that counts more."""
    if not gate.status().get("clock", {}).get("trusted", True):
        return PressResult.NO_TIME
    forbids = (ListName.BLOCK, ListName.WANTED)
    if any(site.gate.plate_state(name, visit.plate).in_force for name in forbids):
        return PressResult.LISTED_ELSEWHERE
    return None


def settle(site: ConsoleSite, visit: Visit) -> None:
    """Take openings by "I am here" from the entry of the visit; done later where that fails."""
    left = entries_left(site, visit)
    who = f"visitor {visit.id} of {visit.host}"
    try:
        if left == 0:
            end_entry(site, visit, who, f"visit {visit.id}: no entries are left")
            site.visits.change(visit, state=VisitState.USED.value)
        elif visit.opened and visit.listed:
            by = Requester(who, f"visit {visit.id}: I am here", f"{visit.request}-{visit.presses}")
            site.lists.edit(by, ListName.ALLOW, visit.plate, {"entries": str(left)})
            site.visits.change(visit, entries=left, opened=0)
    except GateError as error:
        logger.warning(
            "visit %s: its entry still counts %s more: %s", visit.id, visit.opened, error
        )


def tidy(site: ConsoleSite) -> int:
    """Delete the visits that are over, with their entries; returns their number.

    None is deleted before a running gate trusts the clock, which all lanes share: a clock in the
    future would end every visit. Raises StoreError.
    """
    found, count = site.visits.over(), 0
    if found and not any(lane.trusts_clock() for lane in site.lanes.all):
        return 0
    for visit in found:
        try:
            end_entry(site, visit, "console", f"visit {visit.id} is over")
            if visit.plate:
                by = Requester("console", id=f"{visit.request}-forget")
                site.lists.forget(by, ListName.ALLOW, visit.plate, _note(visit))
        except GateError as error:
            logger.warning("visit %s: its entry cannot be removed: %s", visit.id, error)
            continue
        site.visits.delete(visit)
        count += 1
    if count:
        site.database.empty_log()
    return count


def keep_tidy(site: ConsoleSite) -> None:
    """Delete the visits that are over, every TIDY_EVERY_S, from a thread of its own."""

    def work() -> None:
        while True:
            try:
                tidy(site)
            except GateError as error:
                logger.warning("visits that are over are not deleted: %s", error)
            time.sleep(TIDY_EVERY_S)

    threading.Thread(target=work, name="visits", daemon=True).start()


def _own_entry(site: ConsoleSite, visit: Visit) -> ListEntry | None:
    if not visit.plate:
        return None
    entries = site.gate.plate_state(ListName.ALLOW, visit.plate).in_force
    return next((entry for entry in entries if entry.note == _note(visit)), None)


def _entry(visit: Visit) -> ListEntry:
    return ListEntry(
        plate=visit.plate,
        holder=visit.holder,
        group=GROUP,
        note=_note(visit),
        valid_from=datetime.fromtimestamp(int(visit.starts_at), UTC),
        valid_until=datetime.fromtimestamp(int(visit.ends_at), UTC),
        entries=visit.entries,
    )


def _note(visit: Visit) -> str:
    return f"visit {visit.id}"
