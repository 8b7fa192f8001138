# SPDX-License-Identifier: Apache-2.0
"""A manually advanced clock with its own CallLater, so that hours pass in milliseconds."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

BEGINNING = datetime(2026, 6, 1, 8, 0, tzinfo=UTC)  # a Monday morning


class _Due:
    def __init__(self, action: Callable[[], None]) -> None:
        self.action: Callable[[], None] | None = action

    def cancel(self) -> None:
        self.action = None


class ManualClock:
    """Implements Clock; time passes only in `advance_to`."""

    def __init__(self, beginning: datetime = BEGINNING, start_s: float = 1000.0) -> None:
        self._beginning = beginning
        self._start_s = start_s
        self._now_s = start_s
        self._due: list[tuple[float, int, _Due]] = []
        self._order = itertools.count()

    def monotonic(self) -> float:
        """Seconds of the manual clock."""
        return self._now_s

    def wall(self) -> datetime:
        """Wall time, advancing with the monotonic time."""
        return self._beginning + timedelta(seconds=self._now_s - self._start_s)

    def call_later(self, seconds: float, action: Callable[[], None]) -> _Due:
        """Call `action` when the clock has advanced by `seconds`."""
        due = _Due(action)
        heapq.heappush(self._due, (self._now_s + max(0.0, seconds), next(self._order), due))
        return due

    def next_s(self) -> float | None:
        """The time of the next pending action; None where there is none."""
        while self._due and self._due[0][2].action is None:
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None

    def advance_to(self, moment_s: float) -> None:
        """Advance to `moment_s`, running every pending action on the way."""
        while (next_s := self.next_s()) is not None and next_s <= moment_s:
            self._now_s = max(self._now_s, next_s)
            due = heapq.heappop(self._due)[2]
            action, due.action = due.action, None
            if action is not None:
                action()
        self._now_s = max(self._now_s, moment_s)
