# SPDX-License-Identifier: Apache-2.0
"""The events that call for a person: which they are, what ends them, and who acknowledged them."""

from __future__ import annotations

import json
import logging
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from plategate.documents import EVENT
from plategate.journal.database import (
    DETAIL_OF_EVENT,
    NAME_OF_EVENT,
    TIME_OF_EVENT,
    events_of,
)
from plategate.journal.reader import EventFilter, JournalReader, StoredEvent

logger = logging.getLogger(__name__)

ACKNOWLEDGED = "acknowledged"  # name of the event; its detail names the alarm
# Their detail names the sensor or list that is back; it does not end the alarm of another one.
ENDS_OF_ONE = ("sensor_back", "list_source_back")
# What begins or happens, and the event that ends it; None: it does not last.
ENDED_BY: dict[str, str | None] = {
    "alarm": None,  # a wanted or blocked vehicle
    "fault": "reset",
    "fire": "reset",
    "forced_open": "reset",
    "arm_blocked": None,
    "found_open": None,
    "tailgated": None,
    "refused_passed": None,
    "sensor_stuck": "sensor_back",
    "camera_lost": "camera_back",
    "list_too_old": "list_back",
    "list_failed": "list_back",
    "list_set_aside": "list_source_back",
    "disk_low": "disk_back",
    "clock_untrusted": "clock_trusted",
}
WANTED = "alarm"


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Who acknowledged an alarm, when and why."""

    who: str
    why: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Alarm:
    """An event that calls for a person; `ended_at` is None while it lasts, or where it cannot."""

    stored: StoredEvent
    ended_at: datetime | None
    acknowledged: Acknowledgement | None

    @property
    def lasts(self) -> bool:
        """Whether what began with it has not ended yet."""
        return ENDED_BY[self.stored.event.what] is not None and self.ended_at is None


def newest_alarms(reader: JournalReader, limit: int, before: int | None = None) -> list[Alarm]:
    """The newest alarms before a sequence number, newest first. Raises StoreError."""
    found = reader.newest(limit, EventFilter(kind=EVENT, whats=tuple(ENDED_BY), before=before))
    if not found:
        return []
    answers = _acknowledgements(reader, after=found[-1].sequence)
    ends = reader.read(lambda database: [_ended_at(database, item) for item in found])
    return [
        Alarm(item, end, answers.get(item.sequence)) for item, end in zip(found, ends, strict=True)
    ]


def acknowledgement_detail(alarm: StoredEvent, who: str, why: str) -> str:
    """The detail of the event that acknowledges an alarm."""
    named = {"sequence": alarm.sequence, "event": alarm.event.id, "who": who, "why": why}
    return json.dumps(named, ensure_ascii=False, sort_keys=True)


def _ended_at(database: sqlite3.Connection, alarm: StoredEvent) -> datetime | None:
    """When the first event after the alarm that ends it happened; found by an index."""
    end = ENDED_BY[alarm.event.what]
    which = alarm.event.detail.split(" ")[0].rstrip(":") if end in ENDS_OF_ONE else None
    row = database.execute(
        f"SELECT {TIME_OF_EVENT} FROM {events_of(database)} WHERE kind = 'event'"
        f" AND {NAME_OF_EVENT} = :end AND sequence > :alarm"
        f" AND (:which IS NULL OR {DETAIL_OF_EVENT} = :which) ORDER BY sequence LIMIT 1",
        {"end": end, "alarm": alarm.sequence, "which": which},
    ).fetchone()
    return datetime.fromisoformat(row[0]) if row else None


def _acknowledgements(reader: JournalReader, after: int) -> dict[int, Acknowledgement]:
    """All after a sequence number, by the alarm's number; the first of each alarm counts."""
    found: dict[int, Acknowledgement] = {}
    for page in reader.pages(EventFilter(kind=EVENT, whats=(ACKNOWLEDGED,)), after):
        for item in page:
            try:
                detail: dict[str, Any] = json.loads(item.event.detail)
                answer = Acknowledgement(str(detail["who"]), str(detail["why"]), item.event.at)
                found.setdefault(int(detail["sequence"]), answer)
            except (ValueError, KeyError, TypeError):
                logger.warning("event %s: not an acknowledgement", item.event.id)
    return found
