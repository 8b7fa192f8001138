# SPDX-License-Identifier: Apache-2.0
"""Do slow work beside the main loop: one thread, one bounded queue, jobs in their order.

A job that raises is logged and the worker goes on. `InlineWorker` does the same at once, for
scenarios in which time is turned by hand.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from typing import Protocol

logger = logging.getLogger(__name__)

Job = Callable[[], None]
BEAT_EVERY_S = 1.0


class Worker(Protocol):
    """Takes jobs and does them in order."""

    def submit(self, job: Job) -> bool:
        """Take a job; False where too many wait already."""
        ...

    def waiting(self) -> int:
        """How many jobs were taken and not begun."""
        ...

    def stop(self, patience_s: float) -> bool:
        """Finish what was taken, for at most so long; whether that was enough."""
        ...


class ThreadWorker:
    """A worker with a thread of its own, which calls `beat` at least once a second while idle."""

    def __init__(self, name: str, most_waiting: int, beat: Callable[[], None]) -> None:
        self._jobs: queue.Queue[Job | None] = queue.Queue(most_waiting)
        self._beat = beat
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> bool:
        """Take a job; False where too many wait already."""
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            logger.error("%s: too much work is waiting", self._thread.name)
            return False
        return True

    def waiting(self) -> int:
        """How many jobs were taken and not begun."""
        return self._jobs.qsize()

    def stop(self, patience_s: float) -> bool:
        """Finish what was taken, for at most so long; whether that was enough."""
        try:
            self._jobs.put(None, timeout=patience_s)
        except queue.Full:
            return False
        self._thread.join(patience_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while True:
            self._beat()
            try:
                job = self._jobs.get(timeout=BEAT_EVERY_S)
            except queue.Empty:
                continue
            if job is None:
                return
            try:
                job()
            except Exception:
                logger.exception("%s: a job failed", self._thread.name)


class InlineWorker:
    """Does every job before `submit` returns."""

    def submit(self, job: Job) -> bool:
        """Do it now."""
        job()
        return True

    def waiting(self) -> int:
        """Never any."""
        return 0

    def stop(self, patience_s: float) -> bool:  # noqa: ARG002
        """Nothing is ever waiting."""
        return True
