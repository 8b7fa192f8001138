# SPDX-License-Identifier: Apache-2.0
"""Know what is failing, hung or stale; say it once when it comes and once when it goes.

The watchdog of systemd is fed from here, and only while every watched thread proves life. Nothing
is mended here: a hung process is ended by systemd, a failing part mends itself and reports.
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

log = logging.getLogger(__name__)

PAST_FAILURES_KEPT = 50
# Often enough that one late round does not miss the watchdog's time.
FEEDS_PER_WATCHDOG_TIME = 4


@dataclass(frozen=True)
class Failure:
    """A named failure: since when, in a sentence, and how it ended."""

    name: str
    sentence: str
    began_at: datetime
    began_s: float
    lasted_s: float | None = None


class Health:
    """The health of one process; every method may be called from any thread.

    Each watched thread calls `beat` in its loop, also while its device fails: a beat says that the
    thread turns, a failure says that it does not succeed. The main loop calls `tend` a few times
    a second.
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
        self._marks: dict[str, datetime] = {}
        self._sources: dict[str, Callable[[], Any]] = {}

    def watch(self, name: str, hang_s: float) -> None:
        """From now on a thread must beat at least every `hang_s` seconds."""
        with self._lock:
            self._allowed_s[name] = hang_s
            self._beats_s[name] = self._clock.monotonic()

    def unwatch(self, name: str) -> None:
        """A thread ends on purpose."""
        with self._lock:
            self._allowed_s.pop(name, None)
            self._beats_s.pop(name, None)
        self.over(f"{name}_hangs")

    def beat(self, name: str) -> None:
        """The thread of that name turns."""
        self._beats_s[name] = self._clock.monotonic()

    def failing(self, name: str, sentence: str) -> None:
        """A named failure is there; logged when it comes, its sentence is kept up to date."""
        with self._lock:
            known = self._failures.get(name)
            if known is None:
                began_at, began_s = self._clock.wall(), self._clock.monotonic()
                self._counts[f"failures.{name}"] += 1
                log.error("%s: %s", name, sentence)
            else:
                began_at, began_s = known.began_at, known.began_s
            self._failures[name] = Failure(name, sentence, began_at, began_s)

    def over(self, name: str) -> None:
        """A named failure is gone; logged where it was there."""
        with self._lock:
            failure = self._failures.pop(name, None)
            if failure is None:
                return
            lasted_s = self._clock.monotonic() - failure.began_s
            self._past.append(
                Failure(name, failure.sentence, failure.began_at, failure.began_s, lasted_s)
            )
            log.warning("%s: over after %.0f s", name, lasted_s)

    def say(self, name: str, sentence: str | None) -> None:
        """Failing with that sentence, or over where there is none."""
        if sentence is None:
            self.over(name)
        else:
            self.failing(name, sentence)

    def count(self, name: str, by: int = 1) -> None:
        """Count something that happened, and when it did last."""
        with self._lock:
            self._counts[name] += by
            self._marks[name] = self._clock.wall()

    def tell(self, name: str, source: Callable[[], Any]) -> None:
        """Add a value of JSON types to the status, asked for whenever the status is."""
        with self._lock:
            self._sources[name] = source

    def failures(self) -> tuple[Failure, ...]:
        """What is failing now, oldest first."""
        with self._lock:
            return tuple(self._failures.values())

    def ready(self) -> None:
        """The relay is known to rest and the models are loaded: tell systemd."""
        with self._lock:
            if self._ready_s is None:
                self._ready_s = self._clock.monotonic()
                self._notify("READY=1")
                log.info("ready after %.1f s", self._ready_s - self._started_s)

    def reloading(self) -> None:
        """The settings are being read again: tell systemd."""
        self._notify("RELOADING=1")

    def reloaded(self) -> None:
        """It is known what becomes of the settings that were read again."""
        self._notify("READY=1")

    def stopping(self) -> None:
        """The orderly end began."""
        self._notify("STOPPING=1")

    def tend(self) -> bool:
        """Look for hung threads and feed the watchdog where there is none; whether all turn."""
        with self._lock:
            now_s = self._clock.monotonic()
            hung = self._hung(now_s)
            for name in self._allowed_s:
                self.say(f"{name}_hangs", hung.get(name))
            due = self._feed_every_s is not None and now_s - self._fed_s >= self._feed_every_s
            if due and not hung and self._ready_s is not None:
                self._fed_s = now_s
                self._notify("WATCHDOG=1")
            return not hung

    def status(self) -> dict[str, Any]:
        """Everything that is known, as JSON types."""
        with self._lock:
            now_s = self._clock.monotonic()
            now_at = self._clock.wall()
            document: dict[str, Any] = {
                "version": version("plategate"),
                "pid": os.getpid(),
                "at": now_at.isoformat(),
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
                    name: round((now_at - at).total_seconds(), 1)
                    for name, at in self._marks.items()
                },
            }
            sources = list(self._sources.items())
        # Asked without the lock: a source may itself report to this object from another thread.
        return document | {name: source() for name, source in sources}

    def _hung(self, now_s: float) -> dict[str, str]:
        return {
            name: f"no sign of life for {now_s - self._beats_s[name]:.0f} s"
            for name, allowed_s in self._allowed_s.items()
            if now_s - self._beats_s[name] > allowed_s
        }


def systemd_health(clock: Clock) -> Health:
    """Health that talks to systemd, where it is there; WatchdogSec comes with the environment."""
    import sdnotify

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
