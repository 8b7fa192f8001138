# SPDX-License-Identifier: Apache-2.0
"""Reload: read the settings while the gate runs, and adopt them once the lane is idle.

An invalid file changes nothing and is reported until it is fixed. Pending settings are shown in the
status and applied when the lane is idle; a restart would release the relays and lower a held arm.
The file is read by a worker, because an SD card can be slow; everything else runs in the main loop.
"""

from __future__ import annotations

import logging
import queue
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from plategate.clock import Clock
from plategate.errors import SettingsError
from plategate.gate.owner_settings import OwnerSettings
from plategate.gate.startup import RuntimeSettings
from plategate.gate.workers import Worker
from plategate.health.monitor import Health
from plategate.lane import ArmStage, LaneState
from plategate.messages import Mode
from plategate.settings import Settings
from plategate.settings.changes import Changes, changes

logger = logging.getLogger(__name__)

FAILURE, OWNER_FAILURE = "settings", "owner_settings"
PASSAGE = "a passage is in progress"

_Found = tuple[Settings, RuntimeSettings | None] | str


def _kept_nowhere() -> None:
    return None


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """Source of new settings; `read` raises SettingsError, `keep` stores them as last good.

    `owner` holds what the owner changed over the file; None where nothing can be changed.
    """

    name: str
    read: Callable[[], Settings]
    keep: Callable[[], None] = _kept_nowhere
    owner: OwnerSettings | None = None


@dataclass(frozen=True, slots=True)
class NewSettings:
    """Valid settings and how they differ from those in force.

    `runtime` is None where no line is set: then the pins differ, which needs a restart.
    """

    settings: Settings
    runtime: RuntimeSettings | None
    changes: Changes


@dataclass(frozen=True, slots=True)
class PendingSettings:
    """Pending settings: since when, and what they wait for."""

    new: NewSettings
    since_s: float
    hindrance: str | None = None


def hindrance(state: LaneState, restart: bool) -> str | None:
    """What new settings wait for; before a restart the arm must be down, or a fault latched."""
    if state.visit or state.openings:
        return PASSAGE
    if not restart:
        return None
    if state.fire:
        return "fire is on until it is reset"
    if state.arm.held:
        return "the arm is held up"
    if state.fault is None and state.arm.stage is not ArmStage.RESTING:
        return "the arm is not down"
    return None


class Reload:
    """The settings in force, and pending ones."""

    def __init__(
        self,
        *,
        present: Settings,
        file: SettingsFile,
        prepare: Callable[[Settings], RuntimeSettings | None],
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
        self._waiting: PendingSettings | None = None

    @property
    def present(self) -> Settings:
        """The settings in force; callable from any thread."""
        return self._present

    def ask(self) -> None:
        """Request a reload; callable from any thread and from a signal handler."""
        self._asked = True

    def process(self, worker: Worker, wake: Callable[[], None]) -> None:
        """Queue the reading of the file where it was requested, and process the result."""
        if self._asked:
            self._asked = False
            self._health.reloading()
            if not worker.submit(lambda: self._check(wake)):
                self._found.put("the file was not read, the records queue is full; reload again")
        while True:
            try:
                found = self._found.get_nowait()
            except queue.Empty:
                return
            self._weigh(found)
            self._health.reloaded()

    def due(self, state: LaneState) -> NewSettings | None:
        """The settings to adopt now, returned once; None where there are none."""
        waiting = self._waiting
        if waiting is None:
            return None
        new = waiting.new
        reason = hindrance(state, restart=bool(new.changes.restart))
        if reason is not None:
            if reason != waiting.hindrance:
                logger.info("new settings are pending: %s", reason)
                self._waiting = PendingSettings(new, waiting.since_s, reason)
            return None
        self._waiting = None
        if new.changes.restart:
            logger.warning("restarting to apply %s", ", ".join(new.changes.restart))
            return new
        self._present = new.settings
        logger.info("applied without a restart: %s", ", ".join(new.changes.live))
        return new

    @property
    def mode(self) -> Callable[[], Mode] | None:
        """The mode of settings that wait for the arm, since the mode may be what holds it up."""
        waiting = self._waiting
        if waiting is None or waiting.new.runtime is None or waiting.hindrance in (None, PASSAGE):
            return None
        return waiting.new.runtime.mode

    def pending(self) -> dict[str, Any] | None:
        """Pending settings as JSON types, or None; callable from any thread."""
        waiting = self._waiting
        if waiting is None:
            return None
        return {
            "keys": list(waiting.new.changes.keys),
            "restart": bool(waiting.new.changes.restart),
            "waits_for": waiting.hindrance,
            "waiting_s": round(self._clock.monotonic() - waiting.since_s, 1),
        }

    def _check(self, wake: Callable[[], None]) -> None:
        """Worker: read, check, store as last good."""
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

    def _ready(self, settings: Settings) -> RuntimeSettings | None:
        try:
            return self._prepare(settings)
        except SettingsError as error:
            raise SettingsError(f"{self._file.name}: {error}") from None

    def _weigh(self, found: _Found) -> None:
        if isinstance(found, str):
            self._health.failing(FAILURE, f"{found}; the previous settings stay in force")
            return
        self._health.recovered(FAILURE)
        if self._file.owner is not None:
            self._health.set_failure(OWNER_FAILURE, self._file.owner.problem)
        settings, runtime = found
        new = NewSettings(settings, runtime, changes(self._present, settings))
        self._waiting = PendingSettings(new, self._clock.monotonic()) if new.changes.keys else None
        # Only the names of the keys: a value may be a secret.
        logger.info("settings read again, changed: %s", ", ".join(new.changes.keys) or "nothing")
