# SPDX-License-Identifier: Apache-2.0
"""Workers for slow jobs: one thread, one bounded queue, jobs in order.

A job that raises is logged and the worker continues. `InlineWorker` runs each job at once in the
calling thread, for scenarios with a manual clock.
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
    """Runs jobs in order."""

    def submit(self, job: Job) -> bool:
        """Queue a job; False where the queue is full."""
        ...

    def waiting(self) -> int:
        """The number of queued jobs that have not begun."""
        ...

    def stop(self, timeout_s: float) -> bool:
        """Finish the queued jobs; False where that takes longer than `timeout_s`."""
        ...


class ThreadWorker:
    """A worker with its own thread, which calls `beat` at least once a second while idle."""

    def __init__(self, name: str, max_queued: int, beat: Callable[[], None]) -> None:
        self._jobs: queue.Queue[Job | None] = queue.Queue(max_queued)
        self._beat = beat
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> bool:
        """Queue a job; False where the queue is full."""
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            logger.error("%s: the queue is full", self._thread.name)
            return False
        return True

    def waiting(self) -> int:
        """The number of queued jobs that have not begun."""
        return self._jobs.qsize()

    def stop(self, timeout_s: float) -> bool:
        """Finish the queued jobs; False where that takes longer than `timeout_s`."""
        try:
            self._jobs.put(None, timeout=timeout_s)
        except queue.Full:
            return False
        self._thread.join(timeout_s)
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
            del job  # and the pictures that it refers to, before waiting for the next one


class InlineWorker:
    """Runs every job before `submit` returns."""

    def submit(self, job: Job) -> bool:
        """Run the job now."""
        job()
        return True

    def waiting(self) -> int:
        """Always 0."""
        return 0

    def stop(self, timeout_s: float) -> bool:  # noqa: ARG002
        """Always True: no job is ever queued."""
        return True
