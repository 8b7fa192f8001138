# SPDX-License-Identifier: Apache-2.0
"""A clock that tests advance by hand, and fresh mock lines for every test."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from gpiozero.pins.mock import MockFactory, MockPin

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class ManualTimer:
    def __init__(self, action: Callable[[], None]) -> None:
        self.action: Callable[[], None] | None = action

    def cancel(self) -> None:
        self.action = None


class ManualClock:
    """Both clocks and `call_later`; `advance` moves time and fires the timers that fall due."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self._due: list[tuple[float, int, ManualTimer]] = []
        self._order = itertools.count()

    def monotonic(self) -> float:
        return self.now_s

    def wall(self) -> datetime:
        return EPOCH + timedelta(seconds=self.now_s)

    def call_later(self, seconds: float, action: Callable[[], None]) -> ManualTimer:
        alarm = ManualTimer(action)
        heapq.heappush(self._due, (self.now_s + max(0.0, seconds), next(self._order), alarm))
        return alarm

    def advance(self, seconds: float) -> None:
        end_s = self.now_s + seconds
        while self._due and self._due[0][0] <= end_s + 1e-9:
            at_s, _, alarm = heapq.heappop(self._due)
            self.now_s = max(self.now_s, at_s)
            if alarm.action is not None:
                alarm.action()
        self.now_s = end_s


class ClockPin(MockPin):
    """A mock line whose edges carry the time of the manual clock."""

    def _call_when_changed(self) -> None:
        super(MockPin, self)._call_when_changed(self.factory.manual_clock.now_s, self._state)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def factory(clock: ManualClock) -> Iterator[Any]:
    made = MockFactory(pin_class=ClockPin)
    made.manual_clock = clock
    yield made
    made.close()


def history(pin: Any) -> list[bool]:
    """Every level that the line has had since it was created."""
    return [bool(state.state) for state in pin.states]
