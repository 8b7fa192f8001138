# SPDX-License-Identifier: Apache-2.0
"""The wired contacts of the lane (settings: [pins] beam … reset) as debounced levels.

An input that cannot be read is UNKNOWN. Edges arrive in lgpio's thread with the kernel's time
stamp. The kernel drops edges under load, so the levels are read again every `resync_ms`.
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
from plategate.hardware.interfaces import CallLater, InputCallback, TimerHandle
from plategate.messages import InputName, Level
from plategate.settings.pins import InputPin, PinsSettings

logger = logging.getLogger(__name__)


class GpioInputs:
    """Implements `interfaces.Inputs`. Callbacks arrive in order and never after `close`."""

    def __init__(
        self, *, pins: PinsSettings, factory: Any, clock: Clock, call_later: CallLater
    ) -> None:
        self._clock = clock
        self._call_later = call_later
        self._resync_s = pins.resync_ms / 1000
        self._lock = threading.RLock()
        self._changed: InputCallback | None = None
        self._timers: dict[InputName, TimerHandle] = {}
        self._resync_timer: TimerHandle | None = None
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
            self._resync_timer = self._call_later(self._resync_s, self._resync)

    def level(self, name: InputName) -> Level:
        """The settled level; UNKNOWN for a contact that is not wired or unreadable."""
        contact = self._contacts.get(name)
        return Level.UNKNOWN if contact is None else contact.level

    def wired(self) -> frozenset[InputName]:
        """The contacts that exist on this site."""
        return frozenset(self._contacts)

    def close(self) -> None:
        """Release the lines; no callback comes afterwards."""
        with self._lock:
            self._changed = None
            for timer in self._timers.values():
                timer.cancel()
            self._timers.clear()
            if self._resync_timer is not None:
                self._resync_timer.cancel()
        self._close_lines()

    def _close_lines(self) -> None:
        for contact in self._contacts.values():
            contact.close()

    def _listener(self, name: InputName) -> Callable[[bool, float], None]:
        def on_edge(active: bool, at_s: float) -> None:
            with self._lock:
                self._contacts[name].debounce.edge(active, at_s)
                self._update(name)

        return on_edge

    def _update(self, name: InputName) -> None:
        """Report a settled level and set the timer for the next check."""
        if self._changed is None:
            return
        contact = self._contacts[name]
        self._report(name, contact.debounce.settle(self._clock.monotonic()))
        if (timer := self._timers.pop(name, None)) is not None:
            timer.cancel()
        if (deadline_s := contact.debounce.deadline_s()) is not None:
            wait_s = deadline_s - self._clock.monotonic()
            self._timers[name] = self._call_later(wait_s, lambda: self._timer_fired(name))

    def _timer_fired(self, name: InputName) -> None:
        with self._lock:
            self._update(name)

    def _report(self, name: InputName, settled: Settled | None) -> None:
        if settled is not None and self._changed is not None:
            self._changed(name, settled.level, settled.since_s)

    def _resync(self) -> None:
        """Read the actual levels again, which recovers edges that the kernel dropped."""
        with self._lock:
            if self._changed is None:
                return
            # Set first, so that no error below ends the series.
            self._resync_timer = self._call_later(self._resync_s, self._resync)
            now_s = self._clock.monotonic()
            for name, contact in self._contacts.items():
                self._report(name, contact.reread(now_s))
                self._update(name)


class _Contact:
    """One line: its gpiozero device, its debounced level, and whether it can be read."""

    def __init__(self, name: str, pin: InputPin, flutter_ms: int, factory: Any) -> None:
        from gpiozero import InputDevice

        self._name = name
        self._active_is_high = pin.active_is_high
        self._readable = True
        self._on_edge: Callable[[bool, float], None] | None = None
        self.debounce = Debounce(
            SettleTimes(pin.on_ms / 1000, pin.off_ms / 1000, flutter_ms / 1000)
        )
        with pin_errors(f"input {name} on GPIO {pin.pin}"):
            self._device = InputDevice(pin.pin, pull_up=pin.pull == "up", pin_factory=factory)

    @property
    def level(self) -> Level:
        """The debounced level."""
        return self.debounce.level

    def start(self, now_s: float) -> None:
        """Take the present level as settled, without waiting for the debounce time."""
        self.reread(now_s)
        self.debounce.settle(float("inf"))

    def listen(self, on_edge: Callable[[bool, float], None]) -> None:
        """Call `on_edge` at every edge. gpiozero keeps only a weak reference to its callback."""
        self._on_edge = on_edge
        self._device.pin.edges = "both"
        self._device.pin.when_changed = self._edge

    def reread(self, now_s: float) -> Settled | None:
        """Feed the actual level as an edge; a line that cannot be read is logged once, UNKNOWN."""
        try:
            with pin_errors(f"input {self._name}"):
                high = bool(self._device.pin.state)
        except Exception as error:
            if self._readable:
                known = isinstance(error, PinError)
                logger.error("%s", error if known else f"input {self._name}: {error!r}")
            self._readable = False
            return self.debounce.lose(now_s)
        if not self._readable:
            logger.info("input %s can be read again", self._name)
        self._readable = True
        self.debounce.edge(high == self._active_is_high, now_s)
        return None

    def close(self) -> None:
        """Release the line; never raises, so that the others are released as well."""
        self._on_edge = None
        try:
            with pin_errors(f"input {self._name}"):
                self._device.close()
        except PinError as error:
            logger.error("%s", error)

    def _edge(self, at_s: float, high: int) -> None:
        if self._on_edge is not None:
            self._on_edge(bool(high) == self._active_is_high, at_s)
