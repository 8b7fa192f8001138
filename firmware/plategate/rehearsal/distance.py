# SPDX-License-Identifier: Apache-2.0
"""A simulated ultrasonic sensor: given distances pass through the real filter."""

from __future__ import annotations

from plategate.clock import Clock
from plategate.hardware.gpio.ultrasonic import DistanceFilter
from plategate.hardware.interfaces import InputCallback
from plategate.messages import InputName, Level
from plategate.settings.triggers import DistanceSettings


class RehearsalDistance:
    """Implements Inputs with the single input `distance`."""

    def __init__(self, settings: DistanceSettings, clock: Clock) -> None:
        self._filter = DistanceFilter(settings)
        self._echoes = max(settings.echoes, settings.lost_after)
        self._clock = clock
        self._level = Level.UNKNOWN
        self._changed: InputCallback | None = None

    def measure(self, metres: float | None) -> None:
        """Feed a distance often enough for the filter to accept it; None: no echo."""
        for _ in range(self._echoes):
            level = self._filter.feed(metres)
            if level is not self._level:
                self._level = level
                self._tell()

    def start(self, changed: InputCallback) -> None:
        """Report the present level, then every change."""
        self._changed = changed
        self._tell()

    def level(self, name: InputName) -> Level:
        """The present level; UNKNOWN for any other input."""
        return self._level if name is InputName.DISTANCE else Level.UNKNOWN

    def wired(self) -> frozenset[InputName]:
        """The one input."""
        return frozenset({InputName.DISTANCE})

    def close(self) -> None:
        """Stop calling back."""
        self._changed = None

    def _tell(self) -> None:
        if self._changed is not None:
            self._changed(InputName.DISTANCE, self._level, self._clock.monotonic())
