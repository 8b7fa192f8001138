# SPDX-License-Identifier: Apache-2.0
"""Keep the count of vehicles inside right, answer for it, and switch the sign "full".

A grant counts a vehicle before the arm moves; what the passage shows afterwards corrects it. A
thread switches the sign, also after another lane or a command changed the count.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from plategate.access.occupancy import (
    Occupancy,
    add_unknown,
    age,
    correct,
    group_key,
    quotas_of,
    settle,
    undo,
)
from plategate.access.visits import Direction, VisitStore
from plategate.errors import CommandError, HardwareError, StoreError
from plategate.gate.interfaces import Service
from plategate.lane.openings import NOBODY
from plategate.messages import Report
from plategate.remote.protocol import CommandRequest, ServiceName
from plategate.settings import Settings
from plategate.storage import empty_log
from plategate.values import Passage, PlateSighting, Reason, Result

logger = logging.getLogger(__name__)

SIGN_EVERY_S = 1.0
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
MOST_INSIDE = 100_000

Show = Callable[[bool], None]


class OccupancyKeeper:
    """Observes the passages of one lane; every method may be called from any thread."""

    def __init__(self, settings: Callable[[], Settings], show: Show | None = None) -> None:
        """`settings` returns those in force; `show` switches the sign, if one is wired."""
        self._settings = settings
        self._show = show
        self._visits = VisitStore(settings().access.visits_file)
        self._failure = ""
        self._closing = False
        self._changed = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="full-sign", daemon=True)
        if show is not None:
            self._thread.start()

    def recorded(self, passage: Passage, sighting: PlateSighting | None) -> None:
        """Correct what the grant counted; a failure is logged."""
        del sighting
        try:
            self._note(passage)
        except StoreError as error:
            logger.error("passage %s: vehicles inside are not counted: %s", passage.id, error)
        self._changed.set()

    def reported(self, report: Report) -> None:
        """Reports change no count."""

    def groups(self) -> tuple[Occupancy, ...]:
        """The vehicles inside: of the whole site, then by group. Raises StoreError."""
        return self._visits.occupancy(quotas_of(self._settings().access))

    def document(self) -> list[dict[str, Any]] | None:
        """The same as JSON types, for the status; None where nothing is counted."""
        access = self._settings().access
        if access.direction == "" and not quotas_of(access).exist:
            return None
        return [group.document() for group in self.groups()]

    def tidy(self, now: datetime, clock_trusted: bool) -> None:
        """Remove the vehicles whose exit was missed; the clock does not matter.

        Plates that left are removed from the log of the database too.
        """
        del now, clock_trusted
        limit_s = self._settings().access.forget_inside_hours * 3600.0
        try:
            boot, at_s = BOOT_ID.read_text().strip(), time.clock_gettime(time.CLOCK_BOOTTIME)
            removed = self._visits.read(lambda store: age(store, boot, at_s, limit_s))
            self._visits.read(empty_log)
        except (StoreError, OSError) as error:
            logger.warning("vehicles inside cannot be checked for missed exits: %s", error)
            return
        if removed:
            logger.warning("%d vehicles are no longer counted as inside: no exit seen", removed)

    def services(self) -> dict[ServiceName, Service]:
        """The command "occupancy", for the command socket."""
        return {ServiceName.OCCUPANCY: self.correct}

    def correct(self, request: CommandRequest) -> tuple[str, dict[str, Any]]:
        """Set the number of vehicles inside of a group; `data` has `group` and `inside`."""
        group, inside = self._wanted(request.data or {})
        before = self._visits.change(lambda store: correct(store, group, inside))
        self._changed.set()
        name = f"group {group}" if group else "all groups"
        found = [each.document() for each in self.groups()]
        return f"{name}: {inside} vehicles inside, before {before}", {"occupancy": found}

    def close(self) -> None:
        """Stop switching the sign, switch it off, and close the file; may be called twice."""
        self._closing = True
        self._changed.set()
        if self._thread.is_alive():
            self._thread.join()
        self._visits.close()

    def _wanted(self, data: dict[str, Any]) -> tuple[str, int]:
        group, inside = data.get("group"), data.get("inside")
        if data.keys() != {"group", "inside"} or not isinstance(group, str):
            raise CommandError('data: must be {"group": name or "", "inside": number}')
        if type(inside) is not int or not 0 <= inside <= MOST_INSIDE:
            raise CommandError(f"data.inside: {inside!r} is not a number from 0 to {MOST_INSIDE}")
        known = {group_key(each.name) for each in self.groups()}
        if group_key(group) not in known:
            raise CommandError(
                f'data.group: {group!r} is none of access.groups; "" means the whole site'
            )
        return group, inside

    def _note(self, passage: Passage) -> None:
        direction = Direction(self._settings().access.direction)
        verdict = passage.verdict
        if direction is Direction.UNKNOWN:
            return
        left = verdict.reason is Reason.VEHICLE_LEFT
        if left or passage.barrier.startswith(NOBODY):
            self._visits.change(lambda store: undo(store, passage.id))
        elif verdict.result is not Result.GRANTED:
            return
        elif verdict.plate is None:
            number = 1 if direction is Direction.IN else -1
            self._visits.change(lambda store: add_unknown(store, "", number))
        elif direction is Direction.OUT:
            self._visits.change(lambda store: settle(store, passage.id))

    def _watch(self) -> None:
        """Thread: show on the sign whether its group is full."""
        shown: bool | None = None
        while not self._closing:
            self._changed.clear()
            full = self._is_full()
            if full is not None and full is not shown:
                shown = full if self._switch(full) else None
            self._changed.wait(SIGN_EVERY_S)
        self._switch(False)

    def _is_full(self) -> bool | None:
        """Whether the group of the sign is full; None where that cannot be read."""
        name = group_key(self._settings().access.full_sign)
        try:
            found = [group for group in self.groups() if group_key(group.name) == name]
        except StoreError as error:
            self._log_once(f"the sign keeps its state: {error}")
            return None
        self._log_once("")
        return any(group.full for group in found)

    def _switch(self, full: bool) -> bool:
        if self._show is None:
            return False
        try:
            self._show(full)
        except HardwareError as error:
            self._log_once(f"sign: {error}")
            return False
        return True

    def _log_once(self, failure: str) -> None:
        if failure and failure != self._failure:
            logger.error("%s", failure)
        self._failure = failure
