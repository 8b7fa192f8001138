# SPDX-License-Identifier: Apache-2.0
"""A clock that is turned by hand, and fresh lines in memory for every test."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from gpiozero.pins.mock import MockFactory, MockPin

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class HandAlarm:
    def __init__(self, action: Callable[[], None]) -> None:
        self.action: Callable[[], None] | None = action

    def cancel(self) -> None:
        self.action = None


class HandClock:
    """Both clocks and `call_later`; `turn` moves time and calls what becomes due on the way."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self._due: list[tuple[float, int, HandAlarm]] = []
        self._order = itertools.count()

    def monotonic(self) -> float:
        return self.now_s

    def wall(self) -> datetime:
        return EPOCH + timedelta(seconds=self.now_s)

    def call_later(self, seconds: float, action: Callable[[], None]) -> HandAlarm:
        alarm = HandAlarm(action)
        heapq.heappush(self._due, (self.now_s + max(0.0, seconds), next(self._order), alarm))
        return alarm

    def turn(self, seconds: float) -> None:
        end_s = self.now_s + seconds
        while self._due and self._due[0][0] <= end_s + 1e-9:
            at_s, _, alarm = heapq.heappop(self._due)
            self.now_s = max(self.now_s, at_s)
            if alarm.action is not None:
                alarm.action()
        self.now_s = end_s


class ClockPin(MockPin):
    """A line in memory whose edges carry the time of the hand-turned clock."""

    def _call_when_changed(self) -> None:
        super(MockPin, self)._call_when_changed(self.factory.hand_clock.now_s, self._state)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def factory(clock: HandClock) -> Iterator[Any]:
    made = MockFactory(pin_class=ClockPin)
    made.hand_clock = clock
    yield made
    made.close()


def history(pin: Any) -> list[bool]:
    """Every level that the line ever had, from the beginning."""
    return [bool(state.state) for state in pin.states]
