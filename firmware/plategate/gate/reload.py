# SPDX-License-Identifier: Apache-2.0
"""Read the settings again while the gate runs, and hand them over once nothing is under way.

A file with a slip changes nothing and is a named failure until it is mended. What waits is told,
and waits as long as it must: a restart lets go of the relays, and so would let the arm down on
whoever it is kept up for. Reading is a worker's, because a card can be slow; the rest is the main
loop's.
"""

from __future__ import annotations

import logging
import queue
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from plategate.clock import Clock
from plategate.errors import SettingsError
from plategate.gate.live import Live
from plategate.gate.workers import Worker
from plategate.health.monitor import Health
from plategate.lane import ArmStage, LaneState
from plategate.messages import Mode
from plategate.settings import Settings
from plategate.settings.changes import Changes, changes

logger = logging.getLogger(__name__)

FAILURE = "settings"
PASSAGE = "a passage is under way"

_Found = tuple[Settings, Live | None] | str


def _kept_nowhere() -> None:
    return None


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """Where new settings come from; `read` raises SettingsError, `keep` marks them as good."""

    name: str
    read: Callable[[], Settings]
    keep: Callable[[], None] = _kept_nowhere


@dataclass(frozen=True, slots=True)
class NewSettings:
    """Settings that are right, and in what they differ from those in force.

    `live` is None where they have no line: then the pins differ, which is a restart.
    """

    settings: Settings
    live: Live | None
    changes: Changes


@dataclass(frozen=True, slots=True)
class Waiting:
    """New settings that are not in force yet: since when, and what they wait for."""

    new: NewSettings
    since_s: float
    hindrance: str | None = None


def hindrance(state: LaneState, restart: bool) -> str | None:
    """What new settings wait for; with a restart the arm must not be kept up or on its way."""
    if state.visit or state.openings:
        return PASSAGE
    if not restart:
        return None
    if state.fire:
        return "fire is on until it is reset"
    if state.arm.held:
        return "the arm is kept up"
    if state.fault is None and state.arm.stage is not ArmStage.RESTING:
        return "the arm is not down"
    return None


class Reload:
    """The settings in force, and new ones that wait for their moment."""

    def __init__(
        self,
        *,
        present: Settings,
        file: SettingsFile,
        prepare: Callable[[Settings], Live | None],
        health: Health,
        clock: Clock,
    ) -> None:
        self._present = present
        self._file = file
        self._prepare = prepare
        self._health = health
        self._clock = clock
        self._asked = False
        self._found: queue.SimpleQueue[_Found] = queue.SimpleQueue()
        self._waiting: Waiting | None = None

    def ask(self) -> None:
        """Read the file at the next turn; from any thread and from a signal handler."""
        self._asked = True

    def turn(self, worker: Worker, wake: Callable[[], None]) -> None:
        """Have the file read where that was asked for, and look at what was found."""
        if self._asked:
            self._asked = False
            self._health.reloading()
            if not worker.submit(lambda: self._look(wake)):
                self._found.put("too much work waits, the file was not read")
        while True:
            try:
                found = self._found.get_nowait()
            except queue.Empty:
                return
            self._weigh(found)
            self._health.reloaded()

    def due(self, state: LaneState) -> NewSettings | None:
        """The settings to be taken over now, once; None where there is nothing to do."""
        waiting = self._waiting
        if waiting is None:
            return None
        new = waiting.new
        reason = hindrance(state, restart=bool(new.changes.restart))
        if reason is not None:
            if reason != waiting.hindrance:
                logger.info("new settings wait: %s", reason)
                self._waiting = Waiting(new, waiting.since_s, reason)
            return None
        self._waiting = None
        if new.changes.restart:
            logger.warning("ending for %s, to start with it", ", ".join(new.changes.restart))
            return new
        self._present = new.settings
        logger.info("in force without a restart: %s", ", ".join(new.changes.live))
        return new

    @property
    def mode(self) -> Callable[[], Mode] | None:
        """The mode of settings that wait for the arm: it may be what keeps that up."""
        waiting = self._waiting
        if waiting is None or waiting.new.live is None or waiting.hindrance in (None, PASSAGE):
            return None
        return waiting.new.live.mode

    def pending(self) -> dict[str, Any] | None:
        """New settings that wait, as JSON types; None where there are none; from any thread."""
        waiting = self._waiting
        if waiting is None:
            return None
        return {
            "keys": list(waiting.new.changes.keys),
            "restart": bool(waiting.new.changes.restart),
            "waits_for": waiting.hindrance,
            "waiting_s": round(self._clock.monotonic() - waiting.since_s, 1),
        }

    def _look(self, wake: Callable[[], None]) -> None:
        """In the worker: read, check, keep."""
        found: _Found = f"{self._file.name}: cannot be read"
        try:
            settings = self._file.read()
            found = settings, self._ready(settings)
            self._file.keep()
        except SettingsError as error:
            found = str(error)
        finally:
            self._found.put(found)
            wake()

    def _ready(self, settings: Settings) -> Live | None:
        try:
            return self._prepare(settings)
        except SettingsError as error:
            raise SettingsError(f"{self._file.name}: {error}") from None

    def _weigh(self, found: _Found) -> None:
        if isinstance(found, str):
            self._health.failing(FAILURE, f"{found}; the settings before it stay in force")
            return
        self._health.over(FAILURE)
        settings, live = found
        new = NewSettings(settings, live, changes(self._present, settings))
        self._waiting = Waiting(new, self._clock.monotonic()) if new.changes.keys else None
        # The names of the keys alone: a value may be a secret.
        logger.info("settings read again, changed: %s", ", ".join(new.changes.keys) or "nothing")
