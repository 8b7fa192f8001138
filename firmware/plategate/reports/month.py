# SPDX-License-Identifier: Apache-2.0
"""Count the passages and events of one month."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from plategate.console.figures import percentile
from plategate.documents import PASSAGE
from plategate.journal.retention import ALARM_EVENTS
from plategate.settings.journal import JournalSettings
from plategate.values import Reason, Result

UNREAD = frozenset({Reason.NOT_READABLE, Reason.NOTHING_SEEN, Reason.WEAK_READING})
BY_PLATE = frozenset({Reason.ALLOWED, Reason.ALLOWED_LOOKALIKE})
# Events that a report lists one by one, besides those that are kept as long as alarms.
LISTED_EVENTS = ALARM_EVENTS | {"fault", "found_open", "arm_blocked", "camera_lost", "list_failed"}
HOURS = 24


@dataclass(frozen=True, slots=True)
class ReportLine:
    """One passage or event: `what` is its reason or name; `plate` and `detail` may be empty."""

    at: datetime
    lane: str
    id: str
    what: str
    plate: str = ""
    detail: str = ""


@dataclass(slots=True)
class MonthReport:
    """The counts of one month. `first` is its first day, `until` the first day after it."""

    first: date
    until: date
    zone: ZoneInfo
    days: dict[date, Counter[str]]
    hours: Counter[int] = field(default_factory=Counter)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    refused: list[ReportLine] = field(default_factory=list)
    unread: list[ReportLine] = field(default_factory=list)
    alarms: list[ReportLine] = field(default_factory=list)
    relay_ms: list[float] = field(default_factory=list)

    @property
    def total(self) -> int:
        """All passages."""
        return sum(sum(day.values()) for day in self.days.values())

    def count(self, result: Result) -> int:
        """The passages with this result."""
        return sum(day[result.value] for day in self.days.values())

    @property
    def to_relay_ms(self) -> tuple[float, float] | None:
        """Median and 95th percentile from trigger to relay; None if no plate was granted."""
        times = self.relay_ms
        return (percentile(times, 0.5), percentile(times, 0.95)) if times else None

    def add(self, kind: str, document: dict[str, Any]) -> None:
        """Count one document of the journal; the lists hold what a person may want to see."""
        if kind == PASSAGE:
            self._add_passage(document)
        else:
            self._add_event(document)

    def _add_passage(self, document: dict[str, Any]) -> None:
        verdict = document["verdict"]
        at = datetime.fromisoformat(document["triggered_at"]).astimezone(self.zone)
        if at.date() not in self.days:
            return
        self.days[at.date()][verdict["result"]] += 1
        self.hours[at.hour] += 1
        self.reasons[verdict["result"], verdict["reason"]] += 1
        reading = document["reading"] or {}
        plate = verdict["plate"] or reading.get("text", "")
        line = ReportLine(at, document["lane"], document["id"], verdict["reason"], plate)
        if verdict["reason"] in UNREAD:
            self.unread.append(line)
        elif verdict["result"] == Result.REFUSED:
            self.refused.append(line)
        total = document["milliseconds"].get("total")
        if total is not None and verdict["reason"] in BY_PLATE:
            self.relay_ms.append(total)

    def _add_event(self, document: dict[str, Any]) -> None:
        self.events[document["what"]] += 1
        if document["what"] in LISTED_EVENTS:
            at = datetime.fromisoformat(document["at"]).astimezone(self.zone)
            detail = document["detail"]
            passage = document["passage_id"] or ""
            self.alarms.append(
                ReportLine(at, document["lane"], passage, document["what"], detail=detail)
            )


def month_limits(first: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The moments at which a month begins and ends in the zone of the site."""
    start = datetime(first.year, first.month, 1, tzinfo=zone)
    return start, datetime.combine(_next_month(first), start.timetz())


def month_report(
    first: date, zone: ZoneInfo, documents: Iterable[tuple[str, dict[str, Any]]]
) -> MonthReport:
    """The report of the month that begins on `first`; `documents` are kinds and documents."""
    until = _next_month(first)
    days = {first + timedelta(days=n): Counter[str]() for n in range((until - first).days)}
    report = MonthReport(first, until, zone, days)
    for kind, document in documents:
        report.add(kind, document)
    return report


def kept_since(settings: JournalSettings, now: datetime, zone: ZoneInfo) -> date:
    """The first day of which every passage is still in the journal, by the retention settings."""
    shortest = min(settings.granted_days, settings.refused_days, settings.unsure_days)
    return (now - timedelta(days=shortest)).astimezone(zone).date() + timedelta(days=1)


def _next_month(first: date) -> date:
    return (first.replace(day=1) + timedelta(days=32)).replace(day=1)
