# SPDX-License-Identifier: Apache-2.0
"""The events that call for a person: which they are, what ends them, and who acknowledged them."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from plategate.documents import EVENT
from plategate.journal.reader import EventFilter, JournalReader, StoredEvent

logger = logging.getLogger(__name__)

ACKNOWLEDGED = "acknowledged"  # name of the event; its detail names the alarm
MOST_ANSWERS = 1000
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
    ends = [end for end in set(ENDED_BY.values()) if end is not None]
    later = reader.newest(MOST_ANSWERS, EventFilter(kind=EVENT, whats=(*ends, ACKNOWLEDGED)))
    later.reverse()
    answers = _acknowledgements(later)
    return [Alarm(item, _ended_at(item, later), answers.get(item.sequence)) for item in found]


def acknowledgement_detail(alarm: StoredEvent, who: str, why: str) -> str:
    """The detail of the event that acknowledges an alarm."""
    named = {"sequence": alarm.sequence, "event": alarm.event.id, "who": who, "why": why}
    return json.dumps(named, ensure_ascii=False, sort_keys=True)


def _ended_at(alarm: StoredEvent, later: list[StoredEvent]) -> datetime | None:
    """The first event after the alarm that ends it; one of a sensor or list names which."""
    what, which = alarm.event.what, alarm.event.detail.split(" ")[0].rstrip(":")
    for item in later:
        if item.sequence < alarm.sequence or item.event.what != ENDED_BY[what]:
            continue
        if item.event.what in ("sensor_back", "list_source_back") and item.event.detail != which:
            continue
        return item.event.at
    return None


def _acknowledgements(events: list[StoredEvent]) -> dict[int, Acknowledgement]:
    """By the alarm's sequence number; the first of each counts."""
    found: dict[int, Acknowledgement] = {}
    for item in events:
        if item.event.what != ACKNOWLEDGED:
            continue
        try:
            detail: dict[str, Any] = json.loads(item.event.detail)
            answer = Acknowledgement(str(detail["who"]), str(detail["why"]), item.event.at)
            found.setdefault(int(detail["sequence"]), answer)
        except (ValueError, KeyError, TypeError):
            logger.warning("event %s: not an acknowledgement", item.event.id)
    return found
