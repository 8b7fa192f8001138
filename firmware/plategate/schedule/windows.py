# SPDX-License-Identifier: Apache-2.0
"""Weekly windows such as "mon-fri 07:00-18:00; sat 08:00-12:00; hol closed", and public holidays.

Windows are in local time, so they keep their hours when daylight saving time starts or ends. Pure:
the caller supplies the local time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOLIDAY = "hol"
WHOLE_DAY = (0, 24 * 60)

_TIMES = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)", re.ASCII)
_LOOSE = re.compile(r"\s*([,-])\s*")
_FIXED = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_YEARLY = re.compile(r"(\d\d)-(\d\d)", re.ASCII)
_EASTER = re.compile(r"easter([+-]\d{1,2})?", re.ASCII)
_LEAP_YEAR = 2024


@dataclass(frozen=True, slots=True)
class Hours:
    """Windows of each weekday in minutes after midnight; an end before start is on the next day."""

    by_day: tuple[tuple[tuple[int, int], ...], ...]  # Monday first
    on_holidays: tuple[tuple[int, int], ...] | None  # None: holidays are like other days

    def allow(self, local: datetime, holidays: Holidays) -> bool:
        """Whether a local time is in a window."""
        minute = local.hour * 60 + local.minute
        today, yesterday = local.date(), local.date() - timedelta(days=1)
        for start, end in self._windows(today, holidays):
            if start <= minute and (minute < end or end <= start):
                return True
        return any(
            end <= start and minute < end for start, end in self._windows(yesterday, holidays)
        )

    def _windows(self, day: date, holidays: Holidays) -> tuple[tuple[int, int], ...]:
        if self.on_holidays is not None and day in holidays:
            return self.on_holidays
        return self.by_day[day.weekday()]


@lru_cache(maxsize=1024)
def parse_hours(text: str) -> Hours:
    """Parse windows; raises ValueError that names the part that is invalid."""
    by_day: list[list[tuple[int, int]]] = [[] for _ in DAYS]
    on_holidays: list[tuple[int, int]] | None = None
    text = _LOOSE.sub(r"\1", text.lower())
    parts = [part.strip() for part in text.split(";") if part.strip()]
    if not parts:
        raise ValueError("names no day; write for example mon-fri 07:00-18:00")
    for part in parts:
        days, _, times = part.partition(" ")
        windows = _windows(times.strip())
        for day in _days(days):
            if day == HOLIDAY:
                on_holidays = (on_holidays or []) + windows
            else:
                by_day[DAYS.index(day)] += windows
    return Hours(
        tuple(tuple(windows) for windows in by_day),
        None if on_holidays is None else tuple(on_holidays),
    )


class Holidays:
    """Public holidays: "2026-06-04" once, "12-25" every year, "easter+1" with Easter Sunday."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        """Parse the days; raises ValueError that names the one that is invalid."""
        self._days: set[date] = set()
        self._yearly: set[tuple[int, int]] = set()
        self._after_easter: set[int] = set()
        for text in texts:
            self._add(text.strip().lower())

    def __contains__(self, day: date) -> bool:
        """Whether a day is a holiday."""
        return (
            day in self._days
            or (day.month, day.day) in self._yearly
            or (day - easter_sunday(day.year)).days in self._after_easter
        )

    def _add(self, text: str) -> None:
        try:
            if _FIXED.fullmatch(text):
                self._days.add(date.fromisoformat(text))
                return
            if yearly := _YEARLY.fullmatch(text):
                month, day = int(yearly[1]), int(yearly[2])
                self._yearly.add((date(_LEAP_YEAR, month, day).month, day))
                return
        except ValueError:
            raise ValueError(f"{text!r}: no such day") from None
        if not (moving := _EASTER.fullmatch(text)):
            raise ValueError(f"{text!r}: write 2026-06-04, 12-25 or easter+1")
        self._after_easter.add(int(moving[1] or 0))


def easter_sunday(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (the anonymous algorithm of 1876)."""
    golden, century = year % 19, year // 100
    skipped = century - century // 4 - (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + skipped + 15) % 30
    century_part, year_part = divmod(year, 100)
    weekday = (32 + 2 * (century_part % 4) + 2 * (year_part // 4) - epact - year_part % 4) % 7
    late = (golden + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


def _days(text: str) -> list[str]:
    found: list[str] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if part == "daily":
            found += DAYS
        elif part == HOLIDAY:
            found.append(HOLIDAY)
        elif first in DAYS and (not dash or last in DAYS):
            start, end = DAYS.index(first), DAYS.index(last if dash else first)
            found += [DAYS[(start + n) % 7] for n in range((end - start) % 7 + 1)]
        else:
            known = ", ".join((*DAYS, HOLIDAY))
            raise ValueError(
                f"{part!r}: not a day; known are {known}, ranges such as mon-fri, and daily"
            )
    return found


def _windows(text: str) -> list[tuple[int, int]]:
    if text == "closed":
        return []
    if not text:
        return [WHOLE_DAY]
    return [_window(part) for part in text.split(",")]


def _window(text: str) -> tuple[int, int]:
    found = _TIMES.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r}: write times as 07:00-18:00")
    start_hour, start_minute, end_hour, end_minute = (int(number) for number in found.groups())
    start, end = start_hour * 60 + start_minute, end_hour * 60 + end_minute
    if max(start_minute, end_minute) > 59 or start >= WHOLE_DAY[1] or end > WHOLE_DAY[1]:
        raise ValueError(f"{text!r}: no such time")
    if start == end:
        raise ValueError(f"{text!r}: end equals start")
    return start, end
