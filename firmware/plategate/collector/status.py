# SPDX-License-Identifier: Apache-2.0
"""What `plategate collector status` shows: how complete the fleet's database is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from plategate.collector.database import connect, database_errors
from plategate.collector.migrate import verify_version

if TYPE_CHECKING:
    from plategate.collector.database import Connection
    from plategate.collector.settings import DatabaseSettings

NAMED_MAX = 20
COUNTS = """
select count(*), coalesce(sum(upper(r) - lower(r)), 0)
from plategate.streams cross join unnest(seen) r
"""
GATES = "select count(*) from plategate.gate_contacts"
GAPS = """
select gate, journal, state, first, last, events, asks from plategate.gaps
order by state desc, gate, first
"""
SILENT = """
select gate, online, to_char(heard_at, 'YYYY-MM-DD HH24:MI') from plategate.silent_gates
order by heard_at
"""


@dataclass(frozen=True, slots=True)
class FleetStatus:
    """`is_complete`: nothing is missing and no gate is silent. Lost events do not count."""

    lines: tuple[str, ...]
    is_complete: bool


def fleet_status(settings: DatabaseSettings) -> FleetStatus:
    """Ask the database; raises StoreError."""
    with database_errors(settings), connect(settings) as connection:
        verify_version(connection)
        (gates,) = _first(connection, GATES)
        (ranges, events) = _first(connection, COUNTS)
        gaps = connection.execute(GAPS).fetchall()
        silent = connection.execute(SILENT).fetchall()
    missing = [row for row in gaps if row[2] == "missing"]
    lines = [
        f"{gates} gates, {events} events collected in {ranges} unbroken sequences of numbers",
        *_shortened(
            f"{gate} {journal}: {state}: {first} to {last} ({count} events), asked {asks} times"
            for gate, journal, state, first, last, count, asks in gaps
        ),
        *_shortened(
            f"{gate}: silent since {heard} UTC{', offline' if online is False else ''}"
            for gate, online, heard in silent
        ),
    ]
    return FleetStatus(tuple(lines), is_complete=not missing and not silent)


def _first(connection: Connection, query: str) -> tuple[int, ...]:
    row = connection.execute(query).fetchone()
    return tuple(int(value) for value in row or ())


def _shortened(lines: Iterator[str]) -> list[str]:
    found = list(lines)
    if len(found) <= NAMED_MAX:
        return found
    return [*found[:NAMED_MAX], f"... and {len(found) - NAMED_MAX} more"]
