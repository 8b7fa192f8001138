# SPDX-License-Identifier: Apache-2.0
"""Find numbers that have been missing for a while, and the requests to their gates.

A number counts as missing for long if two checks find it missing; before that it may be with
another collector. The checks of all collectors share one row of the database.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from plategate.replay import EVENTS_MAX, RANGES_MAX, ReplayRequest

if TYPE_CHECKING:
    from plategate.collector.database import Connection
    from plategate.collector.settings import GapSettings

LONGEST_PAUSE_S = 6 * 3600.0

DUE = """
update plategate.gap_check set checked_at = now()
where only_row = (
    select only_row from plategate.gap_check
    where checked_at <= now() - make_interval(secs => %s) for update skip locked
)
"""
REPLACED = """
update plategate.streams s set base = 0
where base > 0 and exists (
    select from plategate.streams o where o.gate = s.gate and o.begun_at < s.begun_at
)
"""
# A gate that has connected after the last question is asked at once.
OVERDUE = """
select gate, journal, missing * watched from plategate.streams
left join plategate.gates using (gate)
where not isempty(missing * watched) and online is not false
    and (asks = 0 or asked_at is null or online_at > asked_at
        or asked_at < now() - make_interval(secs => least(%s * power(2, least(asks, 20) - 1), %s)))
order by asked_at nulls first, gate limit %s
"""
ASKED = """
update plategate.streams set asked = %s::text::int8multirange, asked_at = now(), asks = asks + 1
where gate = %s and journal = %s
"""
# A gate that has answered all that it was asked for is asked for the rest at once.
ANSWERED = """
update plategate.streams set asked = asked * missing,
    asks = case when isempty(asked * missing) then 0 else 1 end
where asks > 0 and not asked <@ missing
"""
WATCH = "update plategate.streams set watched = missing where watched <> missing"


@dataclass(frozen=True, slots=True)
class GapRequest:
    """What a gate is asked for."""

    gate: str
    request: ReplayRequest


def overdue_requests(connection: Connection, settings: GapSettings) -> list[GapRequest]:
    """The requests that are due, marked as asked; none where another collector has checked."""
    found = []
    with connection.transaction():
        if not connection.execute(DUE, (settings.ask_after_s,)).rowcount:
            return []
        values = (settings.ask_again_s, LONGEST_PAUSE_S, settings.gates_at_once)
        connection.execute(REPLACED)
        connection.execute(ANSWERED)
        for gate, journal, overdue in connection.execute(OVERDUE, values).fetchall():
            ranges = tuple(_limited((each.lower, each.upper - 1) for each in overdue))
            asked = ",".join(f"[{first},{last}]" for first, last in ranges)
            connection.execute(ASKED, (f"{{{asked}}}", gate, journal))
            found.append(GapRequest(gate, ReplayRequest(journal, ranges)))
        connection.execute(WATCH)
    return found


def _limited(ranges: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The first ranges, as many as fit in one request."""
    left = EVENTS_MAX
    for number, (first, last) in enumerate(ranges):
        if number >= RANGES_MAX or left < 1:
            return
        end = min(last, first + left - 1)
        left -= end - first + 1
        yield first, end
