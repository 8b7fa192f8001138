# SPDX-License-Identifier: Apache-2.0
"""Figures of the last two weeks: passages per day and result, reasons, and time to the relay."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from plategate.values import Result

DAYS = 14
MOST_PASSAGES = 5000  # the newest; reading more would take longer than a page may


@dataclass(frozen=True, slots=True)
class DayFigures:
    """The passages of one day by result."""

    day: date
    counts: dict[str, int]

    @property
    def total(self) -> int:
        """All passages of the day."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Figures:
    """Passages of DAYS days, the last one today.

    `reasons` are (result, reason, number), most frequent first. `to_relay_ms` are median and 95th
    percentile from trigger to relay of granted plates; None where nothing was granted.
    """

    days: tuple[DayFigures, ...]
    reasons: tuple[tuple[str, str, int], ...]
    to_relay_ms: tuple[float, float] | None
    complete: bool  # False: only the newest MOST_PASSAGES are counted


def first_moment(now: datetime, zone: ZoneInfo) -> datetime:
    """The beginning of the first of the DAYS days."""
    today = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=DAYS - 1)


def figures_of(documents: Iterable[dict[str, Any]], now: datetime, zone: ZoneInfo) -> Figures:
    """The figures of the documents of passages since `first_moment`."""
    first = first_moment(now, zone).date()
    days = [DayFigures(first + timedelta(days=n), dict.fromkeys(Result, 0)) for n in range(DAYS)]
    reasons: Counter[tuple[str, str]] = Counter()
    times: list[float] = []
    number = 0
    for document in documents:
        number += 1
        verdict = document["verdict"]
        at = datetime.fromisoformat(document["triggered_at"]).astimezone(zone)
        place = (at.date() - first).days
        if 0 <= place < DAYS:
            days[place].counts[verdict["result"]] += 1
        reasons[verdict["result"], verdict["reason"]] += 1
        total = document["milliseconds"].get("total")
        if total is not None and verdict["reason"] in ("allowed", "allowed_lookalike"):
            times.append(total)
    return Figures(
        days=tuple(days),
        reasons=tuple((*names, count) for names, count in reasons.most_common()),
        to_relay_ms=(percentile(times, 0.5), percentile(times, 0.95)) if times else None,
        complete=number < MOST_PASSAGES,
    )


def percentile(values: list[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed."""
    ordered = sorted(values)
    place = max(0, -int(-share * len(ordered) // 1) - 1)
    return ordered[place]
