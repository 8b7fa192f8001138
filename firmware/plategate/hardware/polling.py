# SPDX-License-Identifier: Apache-2.0
"""Sensors that must be asked (ultrasonic distance, motion), each from a thread of its own.

Each fills the Inputs socket with one input. A sensor that fails is UNKNOWN and is said once.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from plategate.clock import Clock
from plategate.errors import HardwareError
from plategate.hardware.camera.motion import MotionDetector
from plategate.hardware.gpio.distance import DistanceFilter
from plategate.hardware.interfaces import DistanceSensor, InputCallback
from plategate.messages import InputName, Level
from plategate.values import Image

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
        self._name = name
        self._level = Level.UNKNOWN
        self.fault: str | None = None
        self._look = look
        self._every_s = every_s
        self._clock = clock
        self._close = close
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, changed: InputCallback) -> None:
        """Report UNKNOWN, then every change, from a thread."""
        changed(self._name, self._level, self._clock.monotonic())
        self._thread = threading.Thread(
            target=self._run, args=(changed,), name=f"watch-{self._name}", daemon=True
        )
        self._thread.start()

    def turn(self, changed: InputCallback) -> None:
        """Look once and report a change."""
        try:
            level, fault = self._look()
        except HardwareError as error:
            level, fault = Level.UNKNOWN, str(error)
        self._say(fault)
        if level is not self._level:
            self._level = level
            changed(self._name, level, self._clock.monotonic())

    def level(self, name: InputName) -> Level:
        """The level now; UNKNOWN for any other input."""
        return self._level if name is self._name else Level.UNKNOWN

    def wired(self) -> frozenset[InputName]:
        """The one input."""
        return frozenset({self._name})

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
                logger.exception("%s: looking failed", self._name)

    def _say(self, fault: str | None) -> None:
        if fault is not None and self.fault is None:
            logger.error("%s: %s", self._name, fault)
        elif fault is None and self.fault is not None:
            logger.info("%s: works again", self._name)
        self.fault = fault


class DistanceWatch(Watch):
    """Tells whether something is near the ultrasonic sensor."""

    def __init__(
        self, sensor: DistanceSensor, echoes: DistanceFilter, *, every_s: float, clock: Clock
    ) -> None:
        self._sensor = sensor
        self._echoes = echoes
        super().__init__(
            InputName.DISTANCE, self._measure, every_s=every_s, clock=clock, close=sensor.close
        )

    @property
    def metres(self) -> float | None:
        """The median of the last echoes; `inf` where nothing is in range."""
        return self._echoes.metres

    def _measure(self) -> tuple[Level, str | None]:
        try:
            level = self._echoes.feed(self._sensor.measure_m())
        except HardwareError as error:
            level = self._echoes.fail(str(error))
        return level, self._echoes.fault


def watch_motion(
    picture: Callable[[], Image | None],
    detector: MotionDetector,
    *,
    every_s: float,
    clock: Clock,
) -> Watch:
    """A watch that tells whether something moves; `picture` is the camera's newest, in grey."""

    def look() -> tuple[Level, str | None]:
        grey = picture()
        if grey is None:
            return Level.UNKNOWN, "no picture from the camera"
        return detector.feed(grey, clock.monotonic()), None

    return Watch(InputName.MOTION, look, every_s=every_s, clock=clock)
