# SPDX-License-Identifier: Apache-2.0
"""The relays of the barrier as one drive; OPEN and CLOSE are never on together.

Lines: [pins] open_relay and close_relay, at rest from start to exit but for what is asked for here.
A pulse ends by a timer thread of the drive's own. Power loss: see `relay`.
"""

from __future__ import annotations

import threading
from typing import Any

from plategate.errors import PinError
from plategate.hardware.gpio.relay import Relay
from plategate.hardware.gpio.timers import TimerThread
from plategate.hardware.interfaces import CallLater
from plategate.settings.pins import PinsSettings


class GpioDrive:
    """Fills the BarrierDrive socket. Without `call_later` it has a timer thread of its own."""

    def __init__(
        self,
        *,
        pins: PinsSettings,
        factory: Any,
        longest_pulse_s: float,
        call_later: CallLater | None = None,
    ) -> None:
        if pins.open_relay is None:
            raise PinError("pins.open_relay is not set: there is nothing to open the barrier with")
        self._timer = TimerThread("relay-bound") if call_later is None else None
        later = call_later or self._timer.call_later  # type: ignore[union-attr]
        self._lock = threading.RLock()
        self._relays: list[Relay] = []
        try:
            self._open = self._add("open", pins.open_relay, factory, later, longest_pulse_s)
            self._close = (
                None
                if pins.close_relay is None
                else self._add("close", pins.close_relay, factory, later, longest_pulse_s)
            )
        except PinError:
            self.shut_down()
            raise

    def open(self, pulse_s: float) -> None:
        """Pulse the OPEN relay; a CLOSE pulse that runs is ended first."""
        with self._lock:
            self._never_both()
            self._open.pulse(pulse_s)

    def close(self, pulse_s: float) -> None:
        """Pulse the CLOSE relay; PinError where none is wired, or while OPEN is on."""
        with self._lock:
            if self._close is None:
                raise PinError("pins.close_relay is not set: the barrier closes by itself")
            if self._open.is_on:
                raise PinError("the OPEN relay is on: CLOSE is not switched on with it")
            self._close.pulse(pulse_s)

    def hold(self) -> None:
        """Keep the OPEN relay on; a CLOSE pulse that runs is ended first."""
        with self._lock:
            self._never_both()
            self._open.hold()

    def release(self) -> None:
        """End a hold; a pulse goes on to its end."""
        self._open.release()

    def off(self) -> None:
        """Every relay rests; never raises."""
        for relay in self._relays:
            relay.off()

    def shut_down(self) -> None:
        """Off first, then let go of the lines; never raises."""
        self.off()
        for relay in self._relays:
            relay.close()
        if self._timer is not None:
            self._timer.close()

    def _add(self, name: str, pin: Any, factory: Any, later: CallLater, longest_s: float) -> Relay:
        relay = Relay(name, pin, factory=factory, call_later=later, longest_s=longest_s)
        self._relays.append(relay)
        return relay

    def _never_both(self) -> None:
        if self._close is not None:
            self._close.off()
