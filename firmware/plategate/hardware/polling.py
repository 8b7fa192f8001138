# SPDX-License-Identifier: Apache-2.0
"""Polled sensors (ultrasonic distance, motion): one input each, with a thread of its own.

A sensor that fails is UNKNOWN; the failure is logged once.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from plategate.clock import Clock
from plategate.errors import HardwareError
from plategate.hardware.camera.motion import MotionDetector
from plategate.hardware.gpio.ultrasonic import DistanceFilter
from plategate.hardware.interfaces import DistanceSensor, InputCallback
from plategate.messages import InputName, Level
from plategate.values import Image

logger = logging.getLogger(__name__)


class PolledInput:
    """Implements `interfaces.Inputs` for one input: calls `read` every `every_s`.

    `read` returns the level and a fault sentence or None.
    """

    def __init__(
        self,
        name: InputName,
        read: Callable[[], tuple[Level, str | None]],
        *,
        every_s: float,
        clock: Clock,
        close: Callable[[], None] = lambda: None,
    ) -> None:
        self._name = name
        self._level = Level.UNKNOWN
        self.fault: str | None = None
        self._read = read
        self._every_s = every_s
        self._clock = clock
        self._close = close
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, changed: InputCallback) -> None:
        """Report UNKNOWN, then start the thread, which reports every change."""
        changed(self._name, self._level, self._clock.monotonic())
        self._thread = threading.Thread(
            target=self._run, args=(changed,), name=f"poll-{self._name}", daemon=True
        )
        self._thread.start()

    def poll(self, changed: InputCallback) -> None:
        """Read the sensor once and report a change; a failed read makes the input UNKNOWN."""
        try:
            level, fault = self._read()
        except HardwareError as error:
            level, fault = Level.UNKNOWN, str(error)
        except Exception as error:
            if self.fault is None:
                logger.error("%s: reading the sensor failed", self._name, exc_info=error)
            level, fault = Level.UNKNOWN, f"reading the sensor failed: {error!r}"
        self._set_fault(fault)
        if level is not self._level:
            self._level = level
            changed(self._name, level, self._clock.monotonic())

    def level(self, name: InputName) -> Level:
        """The current level; UNKNOWN for any other input."""
        return self._level if name is self._name else Level.UNKNOWN

    def wired(self) -> frozenset[InputName]:
        """The name of this input."""
        return frozenset({self._name})

    def close(self) -> None:
        """End the thread, then close the sensor."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=2)
        self._close()

    def _run(self, changed: InputCallback) -> None:
        while not self._stop.wait(self._every_s):
            self.poll(changed)

    def _set_fault(self, fault: str | None) -> None:
        if fault is not None and self.fault is None:
            logger.error("%s: %s", self._name, fault)
        elif fault is None and self.fault is not None:
            logger.info("%s: works again", self._name)
        self.fault = fault


class DistanceInput(PolledInput):
    """Whether something is near the ultrasonic sensor."""

    def __init__(
        self, sensor: DistanceSensor, distances: DistanceFilter, *, every_s: float, clock: Clock
    ) -> None:
        self._sensor = sensor
        self._distances = distances
        super().__init__(
            InputName.DISTANCE, self._measure, every_s=every_s, clock=clock, close=sensor.close
        )

    @property
    def metres(self) -> float | None:
        """The median of the last echoes; `inf` if nothing is in range."""
        return self._distances.metres

    def _measure(self) -> tuple[Level, str | None]:
        try:
            level = self._distances.feed(self._sensor.measure_m())
        except HardwareError as error:
            level = self._distances.fail(str(error))
        return level, self._distances.fault


def motion_input(
    newest_frame: Callable[[], Image | None],
    detector: MotionDetector,
    *,
    every_s: float,
    clock: Clock,
) -> PolledInput:
    """Whether something moves in front of the camera; `newest_frame` returns a grey frame."""

    def read() -> tuple[Level, str | None]:
        grey = newest_frame()
        if grey is None:
            return Level.UNKNOWN, "no picture from the camera"
        return detector.feed(grey, clock.monotonic()), None

    return PolledInput(InputName.MOTION, read, every_s=every_s, clock=clock)
