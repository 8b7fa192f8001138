# SPDX-License-Identifier: Apache-2.0
"""Turn ultrasonic measurements into one level: near, not near, or not to be believed; pure.

A median of several echoes and two thresholds keep rain and a swaying bumper out. A sensor that is
silent, covered or frozen is UNKNOWN with a reason; it may trigger and is never a safety input.
"""

from __future__ import annotations

import math
from collections import deque
from statistics import median

from plategate.messages import Level
from plategate.settings.triggers import DistanceSettings


class DistanceFilter:
    """Feed it one measurement after the other; `level` and `fault` say what they mean."""

    def __init__(self, settings: DistanceSettings) -> None:
        self._settings = settings
        self._echoes: deque[float] = deque(maxlen=settings.echoes)
        self._silent = 0
        self._covered = 0
        self._same = 0
        self._last: float | None = None
        self.level = Level.UNKNOWN
        self.fault: str | None = None

    @property
    def metres(self) -> float | None:
        """The median of the last echoes; None before there are enough, `inf` for nothing there."""
        if len(self._echoes) < self._settings.echoes:
            return None
        return median(self._echoes)

    def feed(self, metres: float | None) -> Level:
        """Take a measurement (None: no answer, `inf`: nothing in range) and tell the level."""
        self._count(metres)
        if metres is not None and metres >= self._settings.closest_m:
            self._echoes.append(metres)
        self.fault = self._find_fault()
        if self.fault is not None:
            self._echoes.clear()
            self.level = Level.UNKNOWN
        elif (distance_m := self.metres) is not None:
            self._judge(distance_m)
        return self.level

    def fail(self, reason: str) -> Level:
        """The sensor could not be asked at all."""
        self._echoes.clear()
        self.fault, self.level = reason, Level.UNKNOWN
        return self.level

    def _count(self, metres: float | None) -> None:
        self._silent = self._silent + 1 if metres is None else 0
        if metres is None:
            return
        self._covered = self._covered + 1 if metres < self._settings.closest_m else 0
        alike = metres == self._last and math.isfinite(metres)
        self._same = self._same + 1 if alike else 0
        self._last = metres

    def _find_fault(self) -> str | None:
        limits = self._settings
        if self._silent >= limits.lost_after:
            return "no answer: sensor unplugged, without power, or its echo wire is broken"
        if self._covered >= limits.lost_after:
            return (
                f"nearer than {limits.closest_m} m all the time: dirt, ice or water on the sensor"
            )
        if limits.frozen_after and self._same >= limits.frozen_after:
            return "the same distance to the last digit all the time: the sensor is frozen"
        return None

    def _judge(self, distance_m: float) -> None:
        if distance_m < self._settings.near_m:
            self.level = Level.ACTIVE
        elif distance_m > self._settings.far_m or self.level is Level.UNKNOWN:
            self.level = Level.INACTIVE
