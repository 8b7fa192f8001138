# SPDX-License-Identifier: Apache-2.0
"""Call something later: one thread and a heap of due times behind the `CallLater` socket.

A part that must not depend on any other thread (the bound of a relay pulse) has an instance of its
own. What is called must be short; an action that fails is logged and the thread goes on.
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
    """Calls actions when they are due; use `call_later` wherever a CallLater is asked for."""

    def __init__(self, name: str, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._wake = threading.Condition()
        self._due: list[tuple[float, int, _Due]] = []
        self._order = itertools.count()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def call_later(self, seconds: float, action: Callable[[], None]) -> _Due:
        """Call `action` once, `seconds` from now, unless the answer is cancelled before."""
        due = _Due(action)
        at_s = self._clock.monotonic() + max(0.0, seconds)
        with self._wake:
            heapq.heappush(self._due, (at_s, next(self._order), due))
            self._wake.notify()
        return due

    def close(self) -> None:
        """Forget everything that is not due yet and end the thread."""
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
                logger.exception("%s: an action failed", self._thread.name)

    def _next(self) -> _Due | None:
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


class _Due:
    """One action; a cancelled one stays in the heap until it is due and is then skipped."""

    def __init__(self, action: Callable[[], None]) -> None:
        self._action: Callable[[], None] | None = action

    def cancel(self) -> None:
        """Do not call it any more."""
        self._action = None

    def fire(self) -> None:
        action, self._action = self._action, None
        if action is not None:
            action()
