# SPDX-License-Identifier: Apache-2.0
"""Decide for a whole column whether its dates are written day first or month first.

One date such as 03/04/2026 can be both; another one in the column, such as 31/12/2026, decides for
all. Dates with dots have the day first. Nothing is guessed: a column that stays open is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum

from plategate.access.files.rows import TableError

_DATE = re.compile(
    r"(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d\d)"
    r"(?:,?\s+(\d{1,2}):(\d\d)(?::(\d\d))?\s*(am|pm|uhr)?)?",
    re.ASCII | re.IGNORECASE,
)
_MONTHS = 12
_CENTURY = 2000  # of a year with two digits


class DateOrder(StrEnum):
    """What comes first in a date."""

    DAY_FIRST = "dmy"
    MONTH_FIRST = "mdy"


@dataclass(frozen=True, slots=True)
class DateColumn:
    """How the dates of one column are written; `order` is None if all have the year first."""

    name: str
    order: DateOrder | None

    def sentence(self) -> str | None:
        """How the dates were understood; None if they have the year first."""
        if self.order is None:
            return None
        order = "day, month, year" if self.order is DateOrder.DAY_FIRST else "month, day, year"
        return f"{self.name}: dates are read as {order}"

    def rewritten(self, line: int, text: str) -> str:
        """The text with the year first; unchanged if it is no such date. Raises TableError."""
        found = _DATE.fullmatch(text.strip())
        if found is None:
            return text
        first, second, year = int(found[1]), int(found[3]), int(found[4])
        dots = found[2] == "."
        day, month = (
            (first, second) if dots or self.order is DateOrder.DAY_FIRST else (second, first)
        )
        with suppress(ValueError):
            date = datetime(year + (_CENTURY if len(found[4]) == 2 else 0), month, day).date()  # noqa: DTZ001 -- a day of the site
            if found[5] is None:
                return date.isoformat()
            return f"{date.isoformat()} {_clock(found).isoformat()}"
        raise TableError(line, self.name, text, "is no date; write the year first: 2026-05-31")


def date_column(
    name: str, values: Iterable[tuple[int, str]], given: DateOrder | None
) -> DateColumn:
    """The order of a column of (line, text); `given` is the owner's choice for an open one.

    Raises TableError if two dates contradict each other, or none decides.
    """
    day_first: tuple[int, str] | None = None
    month_first: tuple[int, str] | None = None
    doubtful: tuple[int, str] | None = None
    for line, text in values:
        found = _DATE.fullmatch(text.strip())
        if found is None:
            continue
        first, second = int(found[1]), int(found[3])
        if found[2] == "." or first > _MONTHS:
            day_first = day_first or (line, text)
        elif second > _MONTHS:
            month_first = month_first or (line, text)
        elif first != second:
            doubtful = doubtful or (line, text)
    if day_first and month_first:
        (line, text), (other_line, other) = sorted((day_first, month_first), reverse=True)
        reason = f"is written in another order than {other!r} in line {other_line}"
        raise TableError(line, name, text, reason)
    if day_first or month_first:
        return DateColumn(name, DateOrder.DAY_FIRST if day_first else DateOrder.MONTH_FIRST)
    if doubtful and given is None:
        reason = (
            "day or month first? No date of this column decides; use --dates dmy or --dates mdy"
        )
        raise TableError(doubtful[0], name, doubtful[1], reason)
    return DateColumn(name, given if doubtful else None)


def _clock(found: re.Match[str]) -> time:
    """The time of a date; raises ValueError."""
    hour, half = int(found[5]), (found[8] or "").lower()
    if half in ("am", "pm"):
        if not 1 <= hour <= _MONTHS:
            raise ValueError("not an hour")
        hour = hour % _MONTHS + (_MONTHS if half == "pm" else 0)
    return time(hour, int(found[6]), int(found[7] or 0))
