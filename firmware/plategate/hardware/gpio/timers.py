# SPDX-License-Identifier: Apache-2.0
"""A timer thread: calls actions at their due time; implements `interfaces.CallLater`.

The relays have an instance of their own, so that the end of a pulse depends on no other thread.
Actions must be short. An action that raises is logged and the thread continues.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
from collections.abc import Callable

from plategate.clock import Clock, SystemClock

logger = logging.getLogger(__name__)


class TimerThread:
    """One thread and a heap of due times."""

    def __init__(self, name: str, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._wake = threading.Condition()
        self._due: list[tuple[float, int, _Pending]] = []
        self._order = itertools.count()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def call_later(self, seconds: float, action: Callable[[], None]) -> _Pending:
        """Call `action` once, `seconds` from now; the returned handle cancels it."""
        due = _Pending(action)
        at_s = self._clock.monotonic() + max(0.0, seconds)
        with self._wake:
            heapq.heappush(self._due, (at_s, next(self._order), due))
            self._wake.notify()
        return due

    def close(self) -> None:
        """Drop all pending actions and end the thread."""
        with self._wake:
            self._closed = True
            self._due.clear()
            self._wake.notify()
        if threading.current_thread() is not self._thread:
            self._thread.join(timeout=2)

    def _run(self) -> None:
        while (due := self._next()) is not None:
            try:
                due.fire()
            except Exception:
                logger.exception("%s: a timer action failed", self._thread.name)

    def _next(self) -> _Pending | None:
        with self._wake:
            while not self._closed:
                if not self._due:
                    self._wake.wait()
                    continue
                wait_s = self._due[0][0] - self._clock.monotonic()
                if wait_s <= 0:
                    return heapq.heappop(self._due)[2]
                self._wake.wait(wait_s)
        return None


class _Pending:
    """One pending action; a cancelled one stays in the heap until it is due and is then skipped."""

    def __init__(self, action: Callable[[], None]) -> None:
        self._action: Callable[[], None] | None = action

    def cancel(self) -> None:
        """Prevent the call."""
        self._action = None

    def fire(self) -> None:
        action, self._action = self._action, None
        if action is not None:
            action()
