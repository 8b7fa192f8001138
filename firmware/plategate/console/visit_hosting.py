# SPDX-License-Identifier: Apache-2.0
"""What a host does with visits, by page or API: invite, answer, give the link."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from starlette.datastructures import URL

from plategate.access.store.lists import ListName
from plategate.console.accounts import InputError
from plategate.console.site import ConsoleSite
from plategate.console.visit_entries import accept, end_entry, tidy
from plategate.console.visits import MOST_DAYS, Visit, VisitAnswer, VisitState

OPEN_FOR_ACCEPT = (VisitState.ASKED, VisitState.REFUSED)
NOTES = {
    VisitAnswer.ACCEPT: "visit_accepted",
    VisitAnswer.REFUSE: "visit_refused",
    VisitAnswer.REVOKE: "visit_revoked",
    VisitAnswer.RENEW: "visit_renewed",
}


def invite(
    site: ConsoleSite,
    *,
    request: str,
    host: str,
    holder: str,
    starts_at: datetime | None,
    ends_at: datetime,
    entries: int,
    accepts: bool,
) -> Visit:
    """Invite a visitor, from now on where `starts_at` is None; a repeated `request` counts once.

    Raises InputError, TooManyVisits and StoreError.
    """
    now = datetime.fromtimestamp(site.now(), site.zone)
    starts, longest = starts_at or now, timedelta(days=MOST_DAYS)
    if not now < ends_at or not starts < ends_at:
        raise InputError("visit_window")
    if ends_at - starts > longest or starts - now > longest:
        raise InputError("visit_window")
    tidy(site)
    return site.visits.make(
        request=request,
        host=host,
        holder=holder,
        starts_at=starts.timestamp(),
        ends_at=ends_at.timestamp(),
        entries=entries,
        accepts=accepts,
    )


def answer_visit(
    site: ConsoleSite, found: Visit, answer: VisitAnswer, plate: str | None, who: str
) -> Visit | None:
    """Approve `plate` or refuse it, revoke a visit, or give it a new link.

    None where the visit does not allow it, or has another plate meanwhile. Raises ListError,
    ListServiceError and StoreError.
    """
    match answer:
        case VisitAnswer.ACCEPT if (
            found.state in OPEN_FOR_ACCEPT and found.plate and found.plate == plate
        ):
            return accept(site, found, who)
        case VisitAnswer.REFUSE if found.state is VisitState.ASKED:
            return site.visits.change(found, state=VisitState.REFUSED.value)
        case VisitAnswer.REVOKE if found.state is not VisitState.REVOKED:
            # The link ends first: it must not open while the entry cannot be removed.
            found = site.visits.change(found, state=VisitState.REVOKED.value)
            end_entry(site, found, who, f"visit {found.id} is revoked")
            return found
        case VisitAnswer.RENEW if found.state is not VisitState.REVOKED:
            return site.visits.renew(found)
    return None


def is_open(site: ConsoleSite, found: Visit) -> bool:
    """Whether the link of a visit is valid."""
    return found.state is not VisitState.REVOKED and found.ends_at > site.now()


def link_of(site: ConsoleSite, url: URL, found: Visit) -> str:
    """The link of the visitor; `url` is an address of this console."""
    base = site.settings.visitor_url or f"{url.scheme}://{url.netloc}"
    return f"{base}/visit/{site.visits.token_of(found)}"


def problems_of(site: ConsoleSite, found: Visit) -> list[dict[str, Any]]:
    """Warnings about the plate that waits for approval. Raises ListServiceError."""
    if found.state is not VisitState.ASKED:
        return []
    return list(site.lists.check(ListName.ALLOW, found.plate)["problems"])
