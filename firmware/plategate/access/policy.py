# SPDX-License-Identifier: Apache-2.0
"""Decide from the entries of a plate whether it may pass; pure, only GRANTED opens.

Block and wanted entries outrank allow entries; an entry that cannot be checked is UNSURE. `control`
looks the entries up, `match` decides which plate a reading counts as.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from plategate.schedule.windows import Holidays, parse_hours
from plategate.values import ListEntry, Reason, Result

# Where a plate has several entries, the one closest to granting access decides.
_NEAREST_FIRST = (
    Reason.ALLOWED,
    Reason.CLOCK_UNTRUSTED,
    Reason.OUTSIDE_HOURS,
    Reason.ENTRIES_USED_UP,
    Reason.NOT_YET_VALID,
    Reason.EXPIRED,
)


@dataclass(frozen=True, slots=True)
class Moment:
    """The time of a decision, whether the clock is trusted, and the calendar of the site."""

    at: datetime
    clock_trusted: bool
    zone: ZoneInfo
    holidays: Holidays


def needs_clock(entry: ListEntry) -> bool:
    """Whether a trusted clock is needed to tell if the entry is in force."""
    return bool(entry.valid_from or entry.valid_until or entry.hours)


def entry_reason(entry: ListEntry, moment: Moment, used: int) -> Reason:
    """ALLOWED if the entry is in force, otherwise the reason why it is not."""
    if entry.entries is not None and used >= entry.entries:
        return Reason.ENTRIES_USED_UP
    if not needs_clock(entry):
        return Reason.ALLOWED
    return _reason_of_time(entry, moment) if moment.clock_trusted else Reason.CLOCK_UNTRUSTED


def nearest_entry(
    entries: Iterable[ListEntry], moment: Moment, used: Callable[[ListEntry], int]
) -> tuple[ListEntry, Reason] | None:
    """The entry closest to granting access, and its reason; None if there are no entries."""
    judged = [(entry, entry_reason(entry, moment, used(entry))) for entry in entries]
    return min(judged, key=lambda pair: _NEAREST_FIRST.index(pair[1]), default=None)


def forbids(entries: Iterable[ListEntry], moment: Moment) -> ListEntry | None:
    """The first block or wanted entry in force; one that cannot be checked counts as in force."""
    in_force = (Reason.ALLOWED, Reason.CLOCK_UNTRUSTED)
    for entry in entries:
        if entry_reason(entry, moment, used=0) in in_force:
            return entry
    return None


def result_of(reason: Reason) -> Result:
    """The result for the reason of an allow entry."""
    if reason is Reason.ALLOWED:
        return Result.GRANTED
    return Result.UNSURE if reason is Reason.CLOCK_UNTRUSTED else Result.REFUSED


def _reason_of_time(entry: ListEntry, moment: Moment) -> Reason:
    if entry.valid_from and moment.at < entry.valid_from:
        return Reason.NOT_YET_VALID
    if entry.valid_until and moment.at >= entry.valid_until:
        return Reason.EXPIRED
    local = moment.at.astimezone(moment.zone)
    if entry.hours and not parse_hours(entry.hours).allow(local, moment.holidays):
        return Reason.OUTSIDE_HOURS
    return Reason.ALLOWED
