# SPDX-License-Identifier: Apache-2.0
"""The gate itself: one queue, one loop that owns the lane's state, and an order of shutting down.

Threads by name: main (this loop), camera, vision (reads and judges), grants (writes before the
relay moves), records (passages and pictures), relay-bound and the pins' own. Whoever is not main
only puts events into the queue. Shutdown: relays off, inputs, camera, workers, journal, pins.
"""

from __future__ import annotations

import contextlib
import logging
import queue
from collections.abc import Callable, Mapping
from typing import Any

from plategate.access.control import ListCondition
from plategate.gate.camera_feed import CameraFeed, InlineFeed, StillFeed
from plategate.gate.executor import CommandExecutor, Watcher
from plategate.gate.interfaces import GateComponents
from plategate.gate.reload import NewSettings, Reload
from plategate.gate.signals import signals
from plategate.gate.status import GateStatus, status_of
from plategate.gate.watching import HealthWatcher
from plategate.gate.workers import InlineWorker, ThreadWorker, Worker
from plategate.health.monitor import Health
from plategate.lane import LaneRules, LaneState, step
from plategate.messages import (
    Event,
    InputChanged,
    InputName,
    Level,
    ListAged,
    ModeChanged,
    TimePassed,
)

logger = logging.getLogger(__name__)

TEND_EVERY_S = 0.5
MODE_EVERY_S = 5.0
TIDY_EVERY_S = 3600.0
LIST_AGE_EVERY_S = 60.0
PATIENCE_S = 3.0
MOST_READINGS_WAITING = 4
MOST_GRANTS_WAITING = 16
MOST_RECORDS_WAITING = 10_000


class Gate:
    """One lane at work. `inline` does everything in the calling thread, for a turned clock."""

    def __init__(
        self,
        *,
        parts: GateComponents,
        rules: LaneRules,
        lane: str,
        prefix: str,
        health: Health,
        hang_s: Mapping[str, float],
        watchers: tuple[Watcher, ...] = (),
        reload: Reload | None = None,
        inline: bool = False,
    ) -> None:
        self._parts = parts
        self._rules = rules
        self._mode = parts.mode
        self._reload = reload
        self._list = ListCondition()
        self._lane = lane
        self._health = health
        self._hang_s = hang_s
        self._state = LaneState(prefix=prefix, started_s=parts.clock.monotonic())
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self._deadline: float | None = None
        self._due_s: dict[str, float] = {}
        self._told: set[str] = set()
        self._stopping = False
        self._workers: dict[str, Worker] = {}
        self._feed: StillFeed = (
            InlineFeed(parts.camera, self.post)
            if inline
            else CameraFeed(parts.camera, parts.clock, self.post, self._beater("camera"))
        )
        vision = self._worker("vision", MOST_READINGS_WAITING, inline)
        grants = self._worker("grants", MOST_GRANTS_WAITING, inline)
        self._records = self._worker("records", MOST_RECORDS_WAITING, inline)
        self._hands = CommandExecutor(
            parts=parts,
            lane=lane,
            feed=self._feed,
            vision=vision,
            grants=grants,
            records=self._records,
            post=self.post,
            watchers=(HealthWatcher(health), *watchers),
        )

    def post(self, event: Event) -> None:
        """Tell the lane something; from any thread."""
        self._events.put(event)

    def stop(self) -> None:
        """Let `run` end; from any thread and from a signal handler."""
        self._stopping = True
        self._events.put(None)

    def reload(self) -> None:
        """Read the settings again; from any thread and from a signal handler.

        What cannot be taken over while running ends `run` in order, to be started again; without
        a file to read from that is so for every reload.
        """
        if self._reload is None:
            self.stop()
            return
        self._reload.ask()
        self._events.put(None)

    def status(self) -> GateStatus:
        """A snapshot of the lane; from any thread."""
        return status_of(self._lane, self._state, self._rules.wired)

    def allow_list(self) -> dict[str, Any]:
        """How many entries there are, and when they were last known to be fresh; any thread."""
        found = self._list
        at = found.confirmed_at
        age_s = None if at is None else (self._parts.clock.wall() - at).total_seconds()
        return {"entries": found.entries, "age_s": age_s}

    def new_settings(self) -> dict[str, Any] | None:
        """Settings that were read again and wait; from any thread."""
        return None if self._reload is None else self._reload.pending()

    @property
    def deadline(self) -> float | None:
        """When the lane wants to be called, on the parts' clock."""
        return self._deadline

    def run(self) -> None:
        """Work until `stop`, SIGTERM or SIGINT; everything is at rest when this returns."""
        with signals(self.stop, self.reload):
            try:
                self.start()
                while not self._stopping:
                    self._turn()
            finally:
                self.shut_down()

    def start(self) -> None:
        """Report the inputs, start the camera; nothing moves."""
        for inputs in self._parts.inputs:
            inputs.start(self._input_changed)
        self._feed.start()
        for name, silent_s in self._hang_s.items():
            self._health.watch(name, silent_s)
        self.pump()
        self._health.ready()

    def pump(self) -> None:
        """Take every event that waits, and the deadline if it has come."""
        while True:
            try:
                event = self._events.get_nowait()
            except queue.Empty:
                break
            self._take(event)
        self._tick()

    def shut_down(self) -> None:
        """Relays off first; then stop what produces, then what keeps, then let go of the pins."""
        self._health.stopping()
        self._parts.drive.off()
        for inputs in self._parts.inputs:
            _quietly("inputs", inputs.close)
        _quietly("camera", self._feed.stop)
        for name, worker in self._workers.items():
            if not worker.stop(PATIENCE_S):
                logger.error("%s did not end within %.0f s", name, PATIENCE_S)
        _quietly("lists", self._parts.judge.close)
        _quietly("journal", self._parts.book.close)
        _quietly("lamps", self._parts.lamps.close)
        self._parts.drive.shut_down()

    def _turn(self) -> None:
        self._health.beat("main")
        now = self._parts.clock.monotonic()
        wait_s = TEND_EVERY_S if self._deadline is None else self._deadline - now
        with contextlib.suppress(queue.Empty):
            self._take(self._events.get(timeout=min(max(wait_s, 0.0), TEND_EVERY_S)))
        self._tick()

    def _tick(self) -> None:
        if self._reload is not None:
            self._reload.turn(self._records, lambda: self._events.put(None))
            new = self._reload.due(self._state)
            if new is not None:
                self._take_over(new)
        now = self._parts.clock.monotonic()
        if self._is_due("mode", now, MODE_EVERY_S):
            mode = ((self._reload and self._reload.mode) or self._mode)()
            if mode is not self._state.mode:
                self._take(ModeChanged(mode))
        if self._deadline is not None and self._parts.clock.monotonic() >= self._deadline:
            self._take(TimePassed())
        if self._is_due("tend", now, TEND_EVERY_S):
            self._tend()
        if self._is_due("list age", now, LIST_AGE_EVERY_S):
            self._records.submit(self._look_at_list_age)
        if self._is_due("tidy", now, TIDY_EVERY_S):
            self._records.submit(self._tidy)

    def _take_over(self, new: NewSettings) -> None:
        """Between two passages: the next goes by the new settings. Nothing moves by itself."""
        live, book = new.live, self._parts.book
        if new.changes.restart or live is None:
            self.stop()
            return
        self._rules, self._mode = live.rules, live.mode
        self._parts.judge.use(live.terms)
        # Behind the passages that wait to be recorded, which end as they began.
        if not self._records.submit(lambda: book.use(live.journal)):
            book.use(live.journal)
        for name in ("mode", "list age"):
            self._due_s.pop(name, None)
        self._take(TimePassed())

    def _tend(self) -> None:
        problems = dict(self._parts.book.problems)
        degraded = self._parts.reader.degraded
        if degraded:
            problems["pipeline"] = "; ".join(degraded)
        for name in self._told - problems.keys():
            self._health.over(name)
        for name, sentence in problems.items():
            self._health.failing(name, sentence)
        self._told = set(problems)
        self._health.tend()

    def _is_due(self, name: str, now: float, every_s: float) -> bool:
        if now < self._due_s.get(name, float("-inf")):
            return False
        self._due_s[name] = now + every_s
        return True

    def _take(self, event: Event | None) -> None:
        if event is None:
            return
        now = self._parts.clock.monotonic()
        self._state, commands, self._deadline = step(self._state, event, now, self._rules)
        for command in commands:
            self._hands.carry_out(command)

    def _tidy(self) -> None:
        self._parts.book.tidy(self._parts.clock.wall(), self._parts.clock_trusted())

    def _look_at_list_age(self) -> None:
        found = self._list = self._parts.judge.list_condition(self._parts.clock.wall())
        old = "the list is older than it may be" if found.too_old else None
        self._health.say("list", found.failure or old)
        self.post(ListAged(found.too_old))

    def _input_changed(self, name: InputName, level: Level, at_s: float) -> None:
        del at_s  # the lane counts from when it heard of it, which is later and so more careful
        self.post(InputChanged(name, level))

    def _worker(self, name: str, most_waiting: int, inline: bool) -> Worker:
        worker = InlineWorker() if inline else ThreadWorker(name, most_waiting, self._beater(name))
        self._workers[name] = worker
        return worker

    def _beater(self, name: str) -> Callable[[], None]:
        return lambda: self._health.beat(name)


def _quietly(name: str, close: Callable[[], None]) -> None:
    """Close one part; its failure must not keep the next from being closed."""
    try:
        close()
    except Exception:
        logger.exception("%s: failed while it was closed", name)
