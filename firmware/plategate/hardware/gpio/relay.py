# SPDX-License-Identifier: Apache-2.0
"""One relay on one line (setting: [pins] open_relay, close_relay): on for a bounded time, or held.

It rests at the level stated in the settings from the moment it is claimed; `off` comes before the
line is let go. After a kill or power loss the wiring's resistor holds it at rest (docs/wiring.md).
"""

from __future__ import annotations

import logging
import threading
from typing import Any

from plategate.errors import PinError
from plategate.hardware.gpio.factory import pin_errors
from plategate.hardware.interfaces import Alarm, CallLater
from plategate.settings.pins import OutputPin

logger = logging.getLogger(__name__)


class Relay:
    """A relay that switches itself off. `call_later` must not share a thread with the caller."""

    def __init__(
        self, name: str, pin: OutputPin, *, factory: Any, call_later: CallLater, longest_s: float
    ) -> None:
        from gpiozero import OutputDevice

        self._name = name
        self._call_later = call_later
        self._longest_s = longest_s
        self._lock = threading.RLock()
        self._alarm: Alarm | None = None
        self._pulses = 0
        self._held = False
        with pin_errors(f"{name} relay on GPIO {pin.pin}"):
            self._device = OutputDevice(
                pin.pin, active_high=pin.active_high, initial_value=False, pin_factory=factory
            )

    @property
    def is_on(self) -> bool:
        """Whether a pulse runs or the relay is held."""
        return self._held or self._alarm is not None

    def pulse(self, seconds: float) -> None:
        """On for `seconds`, at most `longest_s`; while a pulse runs this changes nothing."""
        with self._lock:
            if self._alarm is not None:
                return
            # The end is arranged before the beginning: a relay is never on without its bound.
            self._pulses = this = self._pulses + 1
            bound_s = min(seconds, self._longest_s)
            self._alarm = self._call_later(bound_s, lambda: self._pulse_over(this))
            self._switch_on()

    def hold(self) -> None:
        """On until `release` or `off`."""
        with self._lock:
            self._held = True
            self._switch_on()

    def release(self) -> None:
        """End a hold; a pulse that runs goes on to its end."""
        with self._lock:
            self._held = False
            if self._alarm is None:
                self._switch_off()

    def off(self) -> None:
        """Rest now; never raises."""
        with self._lock:
            self._held = False
            if self._alarm is not None:
                self._alarm.cancel()
                self._alarm = None
            self._switch_off()

    def close(self) -> None:
        """Rest, then let go of the line; never raises."""
        self.off()
        try:
            with pin_errors(f"{self._name} relay"):
                self._device.close()
        except PinError as error:
            logger.error("%s", error)

    def _pulse_over(self, which: int) -> None:
        with self._lock:
            if which != self._pulses or self._alarm is None:
                return  # this pulse was ended by hand, just before its time
            self._alarm = None
            if not self._held:
                self._switch_off()

    def _switch_on(self) -> None:
        try:
            with pin_errors(f"{self._name} relay"):
                self._device.on()
        except PinError:
            self.off()
            raise

    def _switch_off(self) -> None:
        if self._device.closed:
            return
        try:
            with pin_errors(f"{self._name} relay"):
                self._device.off()
        except PinError as error:
            logger.critical("cannot be switched off: %s", error)
