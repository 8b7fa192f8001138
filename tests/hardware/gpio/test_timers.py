# SPDX-License-Identifier: Apache-2.0
"""The timer thread fires in order, from its own thread, and survives a failing action.

Uses real threads and waits below 50 ms.
"""

from __future__ import annotations

import threading

import pytest

from plategate.hardware.gpio.timers import TimerThread
from plategate.rehearsal.clock import ManualClock


@pytest.fixture
def timer() -> TimerThread:
    return TimerThread("test-timer")


def test_ok__timers_fire_in_order_from_the_timer_thread() -> None:
    clock = ManualClock()
    timer = TimerThread("test-timer", clock)
    called: list[tuple[str, str]] = []
    done = threading.Event()

    def note(what: str) -> None:
        called.append((what, threading.current_thread().name))

    timer.call_later(0.02, lambda: (note("second"), done.set()))  # type: ignore[func-returns-value]
    timer.call_later(0.01, lambda: note("first"))
    # Both are due now, however long a busy machine took between the calls.
    clock.advance_to(clock.monotonic() + 1.0)
    assert done.wait(60)
    timer.close()
    assert called == [("first", "test-timer"), ("second", "test-timer")]


def test_ok__cancelled_is_not_called(timer: TimerThread) -> None:
    called: list[str] = []
    done = threading.Event()
    timer.call_later(0.005, lambda: called.append("cancelled")).cancel()
    timer.call_later(0.01, done.set)
    assert done.wait(60)
    timer.close()
    assert called == []


def test_fail__failing_action_does_not_stop_the_next(
    timer: TimerThread, caplog: pytest.LogCaptureFixture
) -> None:
    done = threading.Event()
    timer.call_later(0, lambda: 1 / 0)  # type: ignore[arg-type]
    timer.call_later(0.005, done.set)
    assert done.wait(60)
    timer.close()
    assert "a timer action failed" in caplog.text


def test_ok__nothing_after_close(timer: TimerThread) -> None:
    called: list[str] = []
    timer.call_later(0.01, lambda: called.append("late"))
    timer.close()
    timer.close()
    assert called == []


def test_ok__close_from_its_own_thread(timer: TimerThread) -> None:
    done = threading.Event()
    timer.call_later(0, lambda: (timer.close(), done.set()))  # type: ignore[func-returns-value]
    assert done.wait(60)
