# SPDX-License-Identifier: Apache-2.0
"""The gate: one event queue and one loop that owns the lane's state.

Threads by name: main (this loop), camera, vision (reads and judges), grants (writes before the
relay moves), records (passages and pictures), relay-bound and those of the pins. Every thread but
main only puts events into the queue. Shutdown: relays off, inputs, camera, workers, journal, pins.
"""

from __future__ import annotations

import contextlib
import logging
import queue
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from plategate.gate.camera_feed import CameraFeed, InlineFeed, StillFeed
from plategate.gate.conditions import Conditions
from plategate.gate.executor import CommandExecutor, Observer
from plategate.gate.interfaces import GateComponents
from plategate.gate.reload import NewSettings, Reload, hindrance
from plategate.gate.signals import signals
from plategate.gate.status import GateStatus, HealthObserver, status_of
from plategate.gate.workers import InlineWorker, ThreadWorker, Worker
from plategate.health.monitor import Health
from plategate.lane import LaneRules, LaneState, step
from plategate.messages import (
    AnswerCommand,
    Event,
    InputChanged,
    InputName,
    Level,
    ModeChanged,
    TimePassed,
)

logger = logging.getLogger(__name__)

HEALTH_EVERY_S = 0.5
MODE_EVERY_S = 5.0
TIDY_EVERY_S = 3600.0
CONDITIONS_EVERY_S = 60.0
STOP_TIMEOUT_S = 3.0
MAX_READINGS_QUEUED = 4
MAX_GRANTS_QUEUED = 16
MAX_RECORDS_QUEUED = 10_000


class Gate:
    """Runs one lane. `inline` runs everything in the calling thread, for a manual clock."""

    def __init__(
        self,
        *,
        components: GateComponents,
        rules: LaneRules,
        lane: str,
        prefix: str,
        health: Health,
        hang_s: Mapping[str, float],
        observers: tuple[Observer, ...] = (),
        reload: Reload | None = None,
        sources_dir: Path | None = None,
        inline: bool = False,
    ) -> None:
        self._components = components
        self._rules = rules
        self._mode = components.mode
        self._reload = reload
        self.lane, self.prefix = lane, prefix
        self._health = health
        self._hang_s = hang_s
        self._state = LaneState(prefix=prefix, started_s=components.clock.monotonic())
        self._events: queue.SimpleQueue[Event | None] = queue.SimpleQueue()
        self.answers: queue.SimpleQueue[AnswerCommand] = queue.SimpleQueue()
        self._deadline: float | None = None
        self._due_s: dict[str, float] = {}
        self._reported_problems: set[str] = set()
        self._started = False
        self._stopping = False
        self._restart_reason: str | None = None
        self._workers: dict[str, Worker] = {}
        self._conditions = Conditions(components, health, self.post, sources_dir)
        self._feed: StillFeed = (
            InlineFeed(components.camera, self.post)
            if inline
            else CameraFeed(
                components.camera,
                components.clock,
                self.post,
                self._heartbeat("camera"),
                self.restart_when_idle,
            )
        )
        vision = self._worker("vision", MAX_READINGS_QUEUED, inline)
        grants = self._worker("grants", MAX_GRANTS_QUEUED, inline)
        self._records = self._worker("records", MAX_RECORDS_QUEUED, inline)
        self._executor = CommandExecutor(
            components=components,
            lane=lane,
            prefix=prefix,
            feed=self._feed,
            vision=vision,
            grants=grants,
            records=self._records,
            post=self.post,
            answers=self.answers,
            observers=(HealthObserver(health), *observers),
        )

    def post(self, event: Event) -> None:
        """Queue an event for the lane; callable from any thread."""
        self._events.put(event)

    def stop(self) -> None:
        """End `run`; callable from any thread and from a signal handler."""
        self._stopping = True
        self._events.put(None)

    def reload(self) -> None:
        """Read the settings again; callable from any thread and from a signal handler.

        Changes that need a restart end `run`, so that systemd starts the gate again; without a
        settings file every reload does.
        """
        if self._reload is None:
            self.stop()
            return
        self._reload.ask()
        self._events.put(None)

    def restart_when_idle(self, reason: str | None) -> None:
        """End `run` once no vehicle is served and the arm is down; None cancels that."""
        self._health.set_failure("camera_driver", reason)
        self._restart_reason = reason

    def status(self) -> GateStatus:
        """A snapshot of the lane; callable from any thread."""
        return status_of(self.lane, self._state, self._rules.wired)

    def allow_list(self) -> dict[str, Any]:
        """Number of entries and age in seconds; callable from any thread."""
        found = self._conditions.list
        at = found.confirmed_at
        age_s = None if at is None else (self._components.clock.wall() - at).total_seconds()
        return {"entries": found.entries, "age_s": age_s}

    def new_settings(self) -> dict[str, Any] | None:
        """Settings that were read again and are not in force yet; callable from any thread."""
        return None if self._reload is None else self._reload.pending()

    @property
    def deadline(self) -> float | None:
        """When the lane must be called next, in monotonic seconds."""
        return self._deadline

    def run(self) -> None:
        """Run until `stop`, SIGTERM or SIGINT; every output is off when this returns."""
        with signals(self.stop, self.reload):
            try:
                self.start()
                while not self._stopping:
                    self._run_once()
            finally:
                self.shut_down()

    def start(self) -> None:
        """Start inputs and camera; nothing moves."""
        for inputs in self._components.inputs:
            inputs.start(self._input_changed)
        self._feed.start()
        for name, silent_s in self._hang_s.items():
            self._health.watch(name, silent_s)
        self.pump()
        self._health.ready()
        self._started = True

    def pump(self) -> None:
        """Process every queued event, and the deadline if it has come."""
        while True:
            try:
                event = self._events.get_nowait()
            except queue.Empty:
                break
            self._process(event)
        self._tick()

    def shut_down(self) -> None:
        """Relays off, stop inputs, camera and workers, close the stores, release the pins."""
        self._health.stopping()
        self._components.drive.off()
        for inputs in self._components.inputs:
            _close_logged("inputs", inputs.close)
        _close_logged("camera", self._feed.stop)
        for name, worker in self._workers.items():
            if not worker.stop(STOP_TIMEOUT_S):
                logger.error("worker %s did not end within %.0f s", name, STOP_TIMEOUT_S)
        _close_logged("lists", self._components.access.close)
        _close_logged("journal", self._components.journal.close)
        _close_logged("lamps", self._components.lamps.close)
        self._components.drive.shut_down()

    def _run_once(self) -> None:
        self._health.beat("main")
        now = self._components.clock.monotonic()
        wait_s = HEALTH_EVERY_S if self._deadline is None else self._deadline - now
        with contextlib.suppress(queue.Empty):
            self._process(self._events.get(timeout=min(max(wait_s, 0.0), HEALTH_EVERY_S)))
        self._tick()

    def _tick(self) -> None:
        if self._reload is not None and self._started:
            self._reload.process(self._records, lambda: self._events.put(None))
            if (new := self._reload.due(self._state)) is not None:
                self._adopt(new)
        if self._restart_reason and hindrance(self._state, restart=True) is None:
            logger.critical("restarting: %s", self._restart_reason)
            self._restart_reason = None
            self.stop()
        now = self._components.clock.monotonic()
        if self._is_due("mode", now, MODE_EVERY_S):
            mode = ((self._reload and self._reload.mode) or self._mode)()
            if mode is not self._state.scheduled_mode:
                self._process(ModeChanged(mode))
        if self._deadline is not None and self._components.clock.monotonic() >= self._deadline:
            self._process(TimePassed())
        if self._is_due("health", now, HEALTH_EVERY_S):
            self._update_health()
        if self._is_due("conditions", now, CONDITIONS_EVERY_S):
            self._records.submit(self._conditions.check)
        if self._is_due("tidy", now, TIDY_EVERY_S):
            self._records.submit(self._tidy)

    def _adopt(self, new: NewSettings) -> None:
        """Adopt new settings between two passages; nothing moves."""
        runtime, journal = new.runtime, self._components.journal
        if new.changes.restart or runtime is None:
            self.stop()
            return
        self._rules, self._mode = runtime.rules, runtime.mode
        self._components.access.use(runtime.access)
        self._components.camera.use_region(runtime.roi)
        # Queued after the waiting passages, which are stored with the settings they began with.
        if not self._records.submit(lambda: journal.use(runtime.journal)):
            journal.use(runtime.journal)
        for name in ("mode", "conditions"):
            self._due_s.pop(name, None)
        self._process(TimePassed())

    def _update_health(self) -> None:
        problems = dict(self._components.journal.problems)
        degraded = self._components.reader.degraded
        if degraded:
            problems["pipeline"] = "; ".join(degraded)
        for name in self._reported_problems - problems.keys():
            self._health.recovered(name)
        for name, sentence in problems.items():
            self._health.failing(name, sentence)
        self._reported_problems = set(problems)
        self._health.check()

    def _is_due(self, name: str, now: float, every_s: float) -> bool:
        if now < self._due_s.get(name, float("-inf")):
            return False
        self._due_s[name] = now + every_s
        return True

    def _process(self, event: Event | None) -> None:
        if event is None:
            return
        now = self._components.clock.monotonic()
        self._state, commands, self._deadline = step(self._state, event, now, self._rules)
        for command in commands:
            self._executor.execute(command)

    def _tidy(self) -> None:
        now, trusted = self._components.clock.wall(), self._components.clock_trusted()
        for tidy in (self._components.journal.tidy, *self._components.tidies):
            tidy(now, trusted)

    def _input_changed(self, name: InputName, level: Level, at_s: float) -> None:
        del at_s  # the lane counts from when it processes the event: later, so on the safe side
        self.post(InputChanged(name, level))

    def _worker(self, name: str, max_queued: int, inline: bool) -> Worker:
        worker = InlineWorker() if inline else ThreadWorker(name, max_queued, self._heartbeat(name))
        self._workers[name] = worker
        return worker

    def _heartbeat(self, name: str) -> Callable[[], None]:
        return lambda: self._health.beat(name)


def _close_logged(name: str, close: Callable[[], None]) -> None:
    """Close one component; a failure is logged and does not prevent closing the next."""
    try:
        close()
    except Exception:
        logger.exception("%s: closing failed", name)
