# SPDX-License-Identifier: Apache-2.0
"""The wired contacts of the lane (setting: [pins] beam … reset) as debounced levels.

Nothing is driven. At exit, and where a line cannot be read, an input is UNKNOWN. Edges come with
the kernel's time from lgpio's thread; because the kernel may drop some, levels are read again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from plategate.clock import Clock
from plategate.errors import PinError
from plategate.hardware.gpio.debounce import Debounce, Settled, SettleTimes
from plategate.hardware.gpio.factory import pin_errors
from plategate.hardware.interfaces import Alarm, CallLater, InputCallback
from plategate.messages import InputName, Level
from plategate.settings.pins import InputPin, PinsSettings

logger = logging.getLogger(__name__)


class GpioInputs:
    """Every wired contact. One lock; callbacks come in order and never after `close`."""

    def __init__(
        self, *, pins: PinsSettings, factory: Any, clock: Clock, call_later: CallLater
    ) -> None:
        self._clock = clock
        self._call_later = call_later
        self._resync_s = pins.resync_ms / 1000
        self._lock = threading.RLock()
        self._changed: InputCallback | None = None
        self._alarms: dict[InputName, Alarm] = {}
        self._resync_alarm: Alarm | None = None
        self._contacts: dict[InputName, _Contact] = {}
        try:
            for name, pin in pins.inputs.items():
                self._contacts[InputName(name)] = _Contact(name, pin, pins.flutter_ms, factory)
        except PinError:
            self._close_lines()
            raise

    def start(self, changed: InputCallback) -> None:
        """Report the present level of every contact, then every change."""
        with self._lock:
            self._changed = changed
            now_s = self._clock.monotonic()
            for name, contact in self._contacts.items():
                contact.start(now_s)
                contact.listen(self._listener(name))
                changed(name, contact.level, now_s)
            self._resync_alarm = self._call_later(self._resync_s, self._resync)

    def level(self, name: InputName) -> Level:
        """The settled level; UNKNOWN for a contact that is not wired or cannot be read."""
        contact = self._contacts.get(name)
        return Level.UNKNOWN if contact is None else contact.level

    def wired(self) -> frozenset[InputName]:
        """The contacts that exist on this site."""
        return frozenset(self._contacts)

    def close(self) -> None:
        """Let go of the lines; no callback comes afterwards."""
        with self._lock:
            self._changed = None
            for alarm in self._alarms.values():
                alarm.cancel()
            self._alarms.clear()
            if self._resync_alarm is not None:
                self._resync_alarm.cancel()
        self._close_lines()

    def _close_lines(self) -> None:
        for contact in self._contacts.values():
            contact.close()

    def _listener(self, name: InputName) -> Callable[[bool, float], None]:
        def heard(active: bool, at_s: float) -> None:
            with self._lock:
                self._contacts[name].debounce.edge(active, at_s)
                self._attend(name)

        return heard

    def _attend(self, name: InputName) -> None:
        """Tell of a settled level and see to it that we look again in time."""
        if self._changed is None:
            return
        contact = self._contacts[name]
        self._tell(name, contact.debounce.settle(self._clock.monotonic()))
        if (alarm := self._alarms.pop(name, None)) is not None:
            alarm.cancel()
        if (deadline_s := contact.debounce.deadline_s()) is not None:
            wait_s = deadline_s - self._clock.monotonic()
            self._alarms[name] = self._call_later(wait_s, lambda: self._look(name))

    def _look(self, name: InputName) -> None:
        with self._lock:
            self._attend(name)

    def _tell(self, name: InputName, settled: Settled | None) -> None:
        if settled is not None and self._changed is not None:
            self._changed(name, settled.level, settled.since_s)

    def _resync(self) -> None:
        """Read the real levels again; an edge that the kernel dropped is noticed here."""
        with self._lock:
            if self._changed is None:
                return
            now_s = self._clock.monotonic()
            for name, contact in self._contacts.items():
                self._tell(name, contact.reread(now_s))
                self._attend(name)
            self._resync_alarm = self._call_later(self._resync_s, self._resync)


class _Contact:
    """One line: its gpiozero device, what was believed of it, and whether it can be read."""

    def __init__(self, name: str, pin: InputPin, flutter_ms: int, factory: Any) -> None:
        from gpiozero import InputDevice

        self._name = name
        self._active_is_high = pin.active_is_high
        self._readable = True
        self._heard: Callable[[bool, float], None] | None = None
        self.debounce = Debounce(
            SettleTimes(pin.on_ms / 1000, pin.off_ms / 1000, flutter_ms / 1000)
        )
        with pin_errors(f"input {name} on GPIO {pin.pin}"):
            self._device = InputDevice(pin.pin, pull_up=pin.pull == "up", pin_factory=factory)

    @property
    def level(self) -> Level:
        """What is believed."""
        return self.debounce.level

    def start(self, now_s: float) -> None:
        """Believe the present level at once: nobody has to wait for a contact that rests."""
        self.reread(now_s)
        self.debounce.settle(float("inf"))

    def listen(self, heard: Callable[[bool, float], None]) -> None:
        """Call `heard` at every edge; gpiozero itself keeps only a weak reference."""
        self._heard = heard
        self._device.pin.edges = "both"
        self._device.pin.when_changed = self._edge

    def reread(self, now_s: float) -> Settled | None:
        """Take the real level as an edge now; UNKNOWN, said once, when it cannot be read."""
        try:
            with pin_errors(f"input {self._name}"):
                high = bool(self._device.pin.state)
        except PinError as error:
            if self._readable:
                logger.error("%s", error)
            self._readable = False
            return self.debounce.lose(now_s)
        if not self._readable:
            logger.info("input %s can be read again", self._name)
        self._readable = True
        self.debounce.edge(high == self._active_is_high, now_s)
        return None

    def close(self) -> None:
        """Let go of the line; never raises, so that the others are let go as well."""
        self._heard = None
        try:
            with pin_errors(f"input {self._name}"):
                self._device.close()
        except PinError as error:
            logger.error("%s", error)

    def _edge(self, at_s: float, high: int) -> None:
        if self._heard is not None:
            self._heard(bool(high) == self._active_is_high, at_s)
