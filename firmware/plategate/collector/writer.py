# SPDX-License-Identifier: Apache-2.0
"""Write a batch of parsed messages to PostgreSQL in one transaction.

Every statement may be repeated with the same messages: events are kept once by their id, and
numbers are collected as sets. A batch is therefore written again whenever the outcome is not known.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from plategate.collector.database import connect, database_errors
from plategate.collector.gaps import GapRequest, overdue_requests
from plategate.collector.migrate import verify_version
from plategate.collector.received import (
    ArrivedEvent,
    GapReport,
    GateReport,
    Parsed,
    Rejected,
)
from plategate.errors import StoreError, printable
from plategate.replay import RESTORED, SKIPPED

if TYPE_CHECKING:
    from plategate.collector.database import Connection, Cursor
    from plategate.collector.settings import DatabaseSettings, GapSettings

log = logging.getLogger(__name__)

LONGEST_KEPT = 4096  # bytes of a rejected message

STAGING = """
create temp table incoming (gate text, journal text, sequence bigint, at timestamptz, lane text,
    type text, data jsonb) on commit delete rows
"""
COPY = "copy incoming (gate, journal, sequence, at, lane, type, data) from stdin"
EVENTS = """
insert into plategate.events (gate, journal, sequence, at, lane, type, data)
select gate, journal, sequence, at, lane, type, data from incoming on conflict do nothing
"""
# In the order of the key: two collectors that write the same gates wait, and do not deadlock.
NUMBERS = """
insert into plategate.streams as s (gate, journal, base, newest, seen)
select gate, journal, min(sequence) - 1, max(sequence),
    range_agg(int8range(sequence, sequence, '[]'))
from incoming group by gate, journal order by gate, journal
on conflict (gate, journal) do update set base = least(s.base, excluded.base),
    newest = greatest(s.newest, excluded.newest), seen = s.seen + excluded.seen, heard_at = now()
"""
LOST = """
insert into plategate.lost (gate, journal, after, until, reason) values (%s, %s, %s, %s, %s)
on conflict do nothing
"""
LOST_NUMBERS = """
insert into plategate.streams as s (gate, journal, base, newest, lost)
values (%(gate)s, %(journal)s, %(after)s, %(until)s,
    case when %(lost)s then int8multirange(int8range(%(after)s, %(until)s, '(]')) else '{}' end)
on conflict (gate, journal) do update set base = least(s.base, excluded.base),
    newest = greatest(s.newest, excluded.newest), lost = s.lost + excluded.lost, heard_at = now()
"""
# The gate uses the numbers after this one again, for other events.
NUMBERS_AGAIN = """
update plategate.streams set newest = %(after)s,
    seen = seen * int8multirange(int8range(0, %(after)s, '[]')),
    lost = lost * int8multirange(int8range(0, %(after)s, '[]')), heard_at = now()
where gate = %(gate)s and journal = %(journal)s
"""
GATES = """
insert into plategate.gates as g (gate, online, online_at, state, state_at)
values (%(gate)s, %(online)s, case when %(online)s::boolean is not null then now() end,
    %(state)s::jsonb, case when %(state)s::jsonb is not null then now() end)
on conflict (gate) do update set online = coalesce(excluded.online, g.online),
    online_at = coalesce(excluded.online_at, g.online_at),
    state = coalesce(excluded.state, g.state), state_at = coalesce(excluded.state_at, g.state_at)
"""
ANNOUNCED = """
insert into plategate.streams as s (gate, journal, base, newest)
values (%(gate)s, %(journal)s, %(sequence)s, %(sequence)s)
on conflict (gate, journal) do update set newest = greatest(s.newest, excluded.newest),
    heard_at = now()
"""
REJECTED = "insert into plategate.rejected (topic, reason, payload) values (%s, %s, %s)"

Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class Written:
    """How many events of a batch were new; the others were there already."""

    events: int
    new: int


class Writer:
    """Writes batches over one connection, opened at the first use. For one thread."""

    def __init__(self, settings: DatabaseSettings) -> None:
        self._settings = settings
        self._connection: Connection | None = None

    def write(self, batch: Sequence[Parsed]) -> Written:
        """Write all; on return it is committed. StoreError: write the same batch again later."""
        import psycopg

        with self._closing_on_failure():
            connection = self._open()
            try:
                return _transaction(connection, batch)
            except (psycopg.DataError, psycopg.errors.ProgramLimitExceeded):
                log.exception("a batch of %d is written one by one", len(batch))
            written = [self._one(connection, each) for each in batch]
            return Written(sum(w.events for w in written), sum(w.new for w in written))

    def tidy(self) -> list[str]:
        """Make the next months, drop old ones, remove plates; a line for each thing done."""
        with self._closing_on_failure():
            rows = self._open().execute("select plategate.tidy()").fetchall()
            return [str(line) for (line,) in rows]

    def overdue_requests(self, settings: GapSettings) -> list[GapRequest]:
        """The gates that are to be asked for missing events now."""
        with self._closing_on_failure():
            return overdue_requests(self._open(), settings)

    def close(self) -> None:
        """Close the connection; the next call opens another one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _open(self) -> Connection:
        if self._connection is None:
            self._connection = connect(self._settings)
            verify_version(self._connection)
            self._connection.execute(STAGING)
        return self._connection

    def _one(self, connection: Connection, message: Parsed) -> Written:
        """Write one message; what the database refuses is kept as rejected."""
        import psycopg

        try:
            return _transaction(connection, [message])
        except (psycopg.DataError, psycopg.errors.ProgramLimitExceeded) as error:
            reason = " ".join(str(error).split())[:300]
            rejected = Rejected(type(message).__name__, reason, repr(message).encode())
            return _transaction(connection, [rejected])

    @contextmanager
    def _closing_on_failure(self) -> Iterator[None]:
        """Give the connection up after any failure: its state is not known."""
        try:
            with database_errors(self._settings):
                yield
        except StoreError:
            self.close()
            raise


def _transaction(connection: Connection, batch: Sequence[Parsed]) -> Written:
    """Write messages in one transaction."""
    new = 0
    with connection.transaction(), connection.cursor() as cursor:
        for number, part in enumerate(_parts(batch)):
            if number:
                cursor.execute("delete from incoming")
            for gap in _of(part, GapReport):
                _write_gap(cursor, gap)
            events = _of(part, ArrivedEvent)
            if events:
                new += _write_events(cursor, events)
        _write_reports(cursor, _newest_reports(batch))
        rejected = _of(batch, Rejected)
        if rejected:
            rows = [(r.topic, r.reason, r.payload[:LONGEST_KEPT]) for r in rejected]
            cursor.executemany(REJECTED, rows)
    for each in rejected:
        log.warning("%s: rejected: %s", printable(each.topic, 120), printable(each.reason))
    return Written(len(_of(batch, ArrivedEvent)), new)


def _parts(batch: Sequence[Parsed]) -> Iterator[Sequence[Parsed]]:
    """The batch, divided before each report that numbers are used again."""
    start = 0
    for at, message in enumerate(batch):
        if at > start and isinstance(message, GapReport) and message.reason == RESTORED:
            yield batch[start:at]
            start = at
    yield batch[start:]


def _write_events(cursor: Cursor, events: Sequence[ArrivedEvent]) -> int:
    """How many were new."""
    with cursor.copy(COPY) as copy:
        for e in events:
            copy.write_row((e.gate, e.journal, e.sequence, e.at, e.lane, e.type, e.data))
    new = cursor.execute(EVENTS).rowcount
    cursor.execute(NUMBERS)
    return new


def _write_reports(cursor: Cursor, reports: Sequence[GateReport]) -> None:
    if reports:
        rows = [{"gate": r.gate, "online": r.online, "state": r.state} for r in reports]
        cursor.executemany(GATES, rows)
    announced = [
        {"gate": r.gate, "journal": r.journal, "sequence": r.sequence}
        for r in reports
        if r.sequence is not None
    ]
    if announced:
        cursor.executemany(ANNOUNCED, announced)


def _write_gap(cursor: Cursor, gap: GapReport) -> None:
    values = {
        "gate": gap.gate,
        "journal": gap.journal,
        "after": gap.after,
        "until": gap.until,
        "lost": gap.reason != SKIPPED,
    }
    cursor.execute(LOST_NUMBERS, values)
    if gap.reason == RESTORED:
        cursor.execute(NUMBERS_AGAIN, values)
    if gap.until > gap.after:
        row = (gap.gate, gap.journal, gap.after, gap.until, gap.reason)
        if cursor.execute(LOST, row).rowcount:
            log.error(
                "%s: events %d to %d do not come: %s",
                gap.gate,
                gap.after + 1,
                gap.until,
                gap.reason,
            )


def _newest_reports(batch: Sequence[Parsed]) -> list[GateReport]:
    """One report for each gate, of the newest availability and the newest state."""
    found: dict[str, GateReport] = {}
    for new in _of(batch, GateReport):
        old = found.get(new.gate, new)
        has_state = new.state is not None
        found[new.gate] = GateReport(
            new.gate,
            old.online if new.online is None else new.online,
            new.state if has_state else old.state,
            new.journal if has_state else old.journal,
            new.sequence if has_state else old.sequence,
        )
    return [found[gate] for gate in sorted(found)]


def _of(batch: Sequence[Parsed], kind: type[Kind]) -> list[Kind]:
    return [message for message in batch if isinstance(message, kind)]
