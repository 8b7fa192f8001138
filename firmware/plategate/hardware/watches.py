# SPDX-License-Identifier: Apache-2.0
"""Sensors that must be asked (ultrasonic distance, motion), each from a thread of its own.

A watch tells its level through the same callback as the contacts; `BoardInputs` is all of them as
one. A sensor that fails is UNKNOWN and is said once; the others go on.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from plategate.clock import Clock
from plategate.errors import HardwareError
from plategate.hardware.distance import DistanceFilter
from plategate.hardware.gpio_inputs import GpioInputs
from plategate.hardware.ports import DistanceSensor, InputCallback
from plategate.messages import InputName, Level

logger = logging.getLogger(__name__)


class Watch:
    """Asks `look` every `every_s`; `look` answers the level and, if it has one, a fault."""

    def __init__(
        self,
        name: InputName,
        look: Callable[[], tuple[Level, str | None]],
        *,
        every_s: float,
        clock: Clock,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self.name = name
        self.level = Level.UNKNOWN
        self.fault: str | None = None
        self._look = look
        self._every_s = every_s
        self._clock = clock
        self._close = close
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, changed: InputCallback) -> None:
        """Report UNKNOWN, then every change, from a thread."""
        changed(self.name, self.level, self._clock.monotonic())
        self._thread = threading.Thread(
            target=self._run, args=(changed,), name=f"watch-{self.name}", daemon=True
        )
        self._thread.start()

    def turn(self, changed: InputCallback) -> None:
        """Look once and report a change."""
        try:
            level, fault = self._look()
        except HardwareError as error:
            level, fault = Level.UNKNOWN, str(error)
        self._say(fault)
        if level is not self.level:
            self.level = level
            changed(self.name, level, self._clock.monotonic())

    def close(self) -> None:
        """End the thread, then let go of the sensor."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=2)
        self._close()

    def _run(self, changed: InputCallback) -> None:
        while not self._stop.wait(self._every_s):
            try:
                self.turn(changed)
            except Exception:
                logger.exception("%s: looking failed", self.name)

    def _say(self, fault: str | None) -> None:
        if fault is not None and self.fault is None:
            logger.error("%s: %s", self.name, fault)
        elif fault is None and self.fault is not None:
            logger.info("%s: works again", self.name)
        self.fault = fault


def watch_distance(
    sensor: DistanceSensor, echoes: DistanceFilter, *, every_s: float, clock: Clock
) -> Watch:
    """A watch that tells whether something is near the ultrasonic sensor."""

    def look() -> tuple[Level, str | None]:
        try:
            level = echoes.feed(sensor.measure_m())
        except HardwareError as error:
            level = echoes.fail(str(error))
        return level, echoes.fault

    return Watch(InputName.DISTANCE, look, every_s=every_s, clock=clock, close=sensor.close)


class BoardInputs:
    """Fills the Inputs socket with the wired contacts and the watches."""

    def __init__(self, contacts: GpioInputs, watches: Sequence[Watch] = ()) -> None:
        self._contacts = contacts
        self._watches = {watch.name: watch for watch in watches}

    def start(self, changed: InputCallback) -> None:
        """Report the present levels, then every change."""
        self._contacts.start(changed)
        for watch in self._watches.values():
            watch.start(changed)

    def level(self, name: InputName) -> Level:
        """The level now; UNKNOWN for an input that is not there."""
        watch = self._watches.get(name)
        return self._contacts.level(name) if watch is None else watch.level

    def wired(self) -> frozenset[InputName]:
        """The inputs that exist on this site."""
        return self._contacts.wired() | frozenset(self._watches)

    def faults(self) -> tuple[str, ...]:
        """One sentence for every sensor that cannot be believed."""
        return tuple(f"{name}: {w.fault}" for name, w in self._watches.items() if w.fault)

    def close(self) -> None:
        """Let go of everything; no callback comes afterwards."""
        for watch in self._watches.values():
            watch.close()
        self._contacts.close()
