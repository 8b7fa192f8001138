# SPDX-License-Identifier: Apache-2.0
"""The health of the process: failures, heartbeats of threads, counters, and systemd's watchdog.

A failure is logged once when it begins and once when it ends. The watchdog is fed only while every
watched thread sends heartbeats; systemd ends a process that hangs. Nothing is repaired here.
"""

from __future__ import annotations

import logging
import os
import threading
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import Any

from plategate.clock import Clock
from plategate.documents import SCHEMA

log = logging.getLogger(__name__)

PAST_FAILURES_KEPT = 50
# Often enough that one late round does not miss the watchdog's time.
FEEDS_PER_WATCHDOG_TIME = 4


@dataclass(frozen=True)
class Failure:
    """A named failure: a sentence, when it began, and how long it lasted (None: it goes on)."""

    name: str
    sentence: str
    began_at: datetime
    began_s: float
    lasted_s: float | None = None


class Health:
    """The health of one process; every method may be called from any thread.

    Each watched thread calls `beat` in its loop, also while its device fails: a heartbeat shows
    that the thread runs, a failure that it does not succeed. The main loop calls `check` a few
    times a second.
    """

    def __init__(
        self, clock: Clock, notify: Callable[[str], None], watchdog_s: float | None = None
    ) -> None:
        self._clock = clock
        self._notify = notify
        self._feed_every_s = watchdog_s / FEEDS_PER_WATCHDOG_TIME if watchdog_s else None
        self._lock = threading.RLock()
        self._started_s = clock.monotonic()
        self._ready_s: float | None = None
        self._fed_s = float("-inf")
        self._allowed_s: dict[str, float] = {}
        self._beats_s: dict[str, float] = {}
        self._failures: dict[str, Failure] = {}
        self._past: deque[Failure] = deque(maxlen=PAST_FAILURES_KEPT)
        self._counts: Counter[str] = Counter()
        self._counted_s: dict[str, float] = {}
        self._sources: dict[str, Callable[[], Any]] = {}

    def watch(self, name: str, hang_s: float) -> None:
        """Expect a heartbeat of a thread at least every `hang_s` seconds."""
        with self._lock:
            self._allowed_s[name] = hang_s
            self._beats_s[name] = self._clock.monotonic()

    def beat(self, name: str) -> None:
        """Record a heartbeat of thread `name`."""
        self._beats_s[name] = self._clock.monotonic()

    def failing(self, name: str, sentence: str) -> None:
        """Record a failure, or update its sentence; logged when it begins."""
        with self._lock:
            known = self._failures.get(name)
            if known is None:
                began_at, began_s = self._clock.wall(), self._clock.monotonic()
                self._counts[f"failures.{name}"] += 1
                log.error("%s: %s", name, sentence)
            else:
                began_at, began_s = known.began_at, known.began_s
            self._failures[name] = Failure(name, sentence, began_at, began_s)

    def recovered(self, name: str) -> None:
        """End a failure, if there is one of this name; logged."""
        with self._lock:
            failure = self._failures.pop(name, None)
            if failure is None:
                return
            lasted_s = self._clock.monotonic() - failure.began_s
            self._past.append(
                Failure(name, failure.sentence, failure.began_at, failure.began_s, lasted_s)
            )
            log.warning("%s: recovered after %.0f s", name, lasted_s)

    def set_failure(self, name: str, sentence: str | None) -> None:
        """Record a failure with a sentence, or end it where `sentence` is None."""
        if sentence is None:
            self.recovered(name)
        else:
            self.failing(name, sentence)

    def count(self, name: str, by: int = 1) -> None:
        """Add to a counter and note the time."""
        with self._lock:
            self._counts[name] += by
            self._counted_s[name] = self._clock.monotonic()

    def add_source(self, name: str, source: Callable[[], Any]) -> None:
        """Call `source` for a value of JSON types whenever the status is asked for."""
        with self._lock:
            self._sources[name] = source

    def failures(self) -> tuple[Failure, ...]:
        """The current failures, oldest first."""
        with self._lock:
            return tuple(self._failures.values())

    def ready(self) -> None:
        """Notify systemd: the relays are at rest and the models are loaded."""
        with self._lock:
            if self._ready_s is None:
                self._ready_s = self._clock.monotonic()
                self._notify("READY=1")
                log.info("ready after %.1f s", self._ready_s - self._started_s)

    def reloading(self) -> None:
        """Notify systemd: the settings are being read again."""
        self._notify("RELOADING=1")

    def reloaded(self) -> None:
        """Notify systemd: the new settings are applied, refused or waiting."""
        self._notify("READY=1")

    def stopping(self) -> None:
        """Notify systemd: the process shuts down."""
        self._notify("STOPPING=1")

    def check(self) -> bool:
        """Feed the watchdog unless a thread hangs; returns whether all threads run."""
        with self._lock:
            now_s = self._clock.monotonic()
            hung = self._hung(now_s)
            for name in self._allowed_s:
                self.set_failure(f"{name}_hangs", hung.get(name))
            due = self._feed_every_s is not None and now_s - self._fed_s >= self._feed_every_s
            if due and not hung and self._ready_s is not None:
                self._fed_s = now_s
                self._notify("WATCHDOG=1")
            return not hung

    def status(self) -> dict[str, Any]:
        """The status document. A source that raises is named under "unavailable"."""
        with self._lock:
            now_s = self._clock.monotonic()
            document: dict[str, Any] = {
                "schema": SCHEMA,
                "version": version("plategate"),
                "pid": os.getpid(),
                "at": self._clock.wall().isoformat(),
                "ready": self._ready_s is not None,
                "running_s": round(now_s - self._started_s, 1),
                "start_s": round(self._ready_s - self._started_s, 2) if self._ready_s else None,
                "failures": [_failure_document(f, now_s) for f in self._failures.values()],
                "past_failures": [_failure_document(f, now_s) for f in self._past],
                "threads": {
                    name: {"silent_s": round(now_s - self._beats_s[name], 2), "allowed_s": allowed}
                    for name, allowed in self._allowed_s.items()
                },
                "counts": dict(self._counts),
                "ages_s": {
                    name: round(now_s - counted_s, 1) for name, counted_s in self._counted_s.items()
                },
            }
            sources = list(self._sources.items())
        unavailable: dict[str, str] = {}
        # Called without the lock: a source may wait for a thread that reports to this object.
        for name, source in sources:
            try:
                document[name] = source()
            except Exception as error:
                log.exception("status: %s is unavailable", name)
                unavailable[name] = f"{type(error).__name__}: {error}"
        return document | {"unavailable": unavailable}

    def _hung(self, now_s: float) -> dict[str, str]:
        return {
            name: f"no heartbeat for {now_s - self._beats_s[name]:.0f} s"
            for name, allowed_s in self._allowed_s.items()
            if now_s - self._beats_s[name] > allowed_s
        }


def systemd_health(clock: Clock) -> Health:
    """Health that notifies systemd, if it started this process and listens (NOTIFY_SOCKET)."""
    import sdnotify

    if "NOTIFY_SOCKET" not in os.environ:
        return Health(clock, lambda _: None)
    watchdog_us = os.environ.get("WATCHDOG_USEC")
    watchdog_s = int(watchdog_us) / 1e6 if watchdog_us and watchdog_us.isdigit() else None
    return Health(clock, sdnotify.SystemdNotifier().notify, watchdog_s)


def _failure_document(failure: Failure, now_s: float) -> dict[str, Any]:
    lasted_s = now_s - failure.began_s if failure.lasted_s is None else failure.lasted_s
    return {
        "name": failure.name,
        "sentence": failure.sentence,
        "began_at": failure.began_at.isoformat(),
        "lasted_s": round(lasted_s, 1),
    }
