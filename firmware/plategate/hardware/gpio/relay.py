# SPDX-License-Identifier: Apache-2.0
"""Relays on GPIO lines: a single relay, the barrier's OPEN and CLOSE relays, and the IR lamp's.

Settings: [pins] open_relay, close_relay, ir_lamp. After a kill or a power loss the resistor of the
wiring keeps the line at its idle level (docs/installer/wiring.md).
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator
from typing import Any

from plategate.clock import Clock
from plategate.errors import PinError
from plategate.hardware.gpio.factory import pin_errors
from plategate.hardware.gpio.timers import TimerThread
from plategate.hardware.interfaces import CallLater, TimerHandle
from plategate.settings.pins import OutputPin, PinsSettings

logger = logging.getLogger(__name__)

IR_LAMP_MAX_S = 15.0


class Relay:
    """One relay: pulsed for a bounded time, or held.

    The line is at its idle level from the moment it is claimed and again before it is released.
    `call_later` ends pulses and must not share a thread with the caller.
    """

    def __init__(
        self, name: str, pin: OutputPin, *, factory: Any, call_later: CallLater, longest_s: float
    ) -> None:
        from gpiozero import OutputDevice

        self._name = name
        self._call_later = call_later
        self._longest_s = longest_s
        self._lock = threading.RLock()
        self._pulse_end: TimerHandle | None = None
        self._pulse_number = 0
        self._held = False
        with pin_errors(f"{name} relay on GPIO {pin.pin}"):
            self._device = OutputDevice(
                pin.pin, active_high=pin.active_high, initial_value=False, pin_factory=factory
            )

    @property
    def is_on(self) -> bool:
        """Whether a pulse is running or the relay is held."""
        return self._held or self._pulse_end is not None

    def pulse(self, seconds: float) -> None:
        """Switch on for `seconds`, at most `longest_s`; ignored while a pulse is running."""
        with self._lock:
            if self._pulse_end is not None:
                return
            # The timer is set first, so that the relay is never on without a bound.
            self._pulse_number = number = self._pulse_number + 1
            bound_s = min(seconds, self._longest_s)
            self._pulse_end = self._call_later(bound_s, lambda: self._end_pulse(number))
            self._switch_on()

    def hold(self) -> None:
        """Switch on until `release` or `off`."""
        with self._lock:
            self._held = True
            self._switch_on()

    def release(self) -> None:
        """End a hold; a running pulse continues."""
        with self._lock:
            self._held = False
            if self._pulse_end is None:
                self._switch_off()

    def off(self) -> None:
        """Switch off at once; never raises."""
        with self._lock:
            self._held = False
            if self._pulse_end is not None:
                self._pulse_end.cancel()
                self._pulse_end = None
            self._switch_off()

    def close(self) -> None:
        """Switch off, then release the line; never raises."""
        self.off()
        try:
            with pin_errors(f"{self._name} relay"):
                self._device.close()
        except Exception as error:
            logger.error("%s", error)

    def _end_pulse(self, number: int) -> None:
        with self._lock:
            if number != self._pulse_number or self._pulse_end is None:
                return  # this pulse was already ended by `off`
            self._pulse_end = None
            if not self._held:
                self._switch_off()

    def _switch_on(self) -> None:
        try:
            with pin_errors(f"{self._name} relay"):
                self._device.on()
        except BaseException:
            self.off()
            raise

    def _switch_off(self) -> None:
        if self._device.closed:
            return
        try:
            with pin_errors(f"{self._name} relay"):
                self._device.off()
        except Exception as error:
            logger.critical("the %s relay cannot be switched off: %s", self._name, error)


class GpioDrive:
    """Implements `interfaces.BarrierDrive`; OPEN and CLOSE are never on together.

    Without `call_later` it starts a timer thread of its own, which ends the pulses.
    """

    def __init__(
        self,
        *,
        pins: PinsSettings,
        factory: Any,
        longest_pulse_s: float,
        call_later: CallLater | None = None,
    ) -> None:
        if pins.open_relay is None:
            raise PinError("pins.open_relay is not set: without it the barrier cannot be opened")
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
        """Pulse the OPEN relay; a running CLOSE pulse is ended first."""
        with self._lock:
            self._end_close_pulse()
            self._open.pulse(pulse_s)

    def close(self, pulse_s: float) -> None:
        """Pulse the CLOSE relay; PinError if none is wired or OPEN is on."""
        with self._lock:
            if self._close is None:
                raise PinError("pins.close_relay is not set: the barrier closes by itself")
            if self._open.is_on:
                raise PinError("the OPEN relay is on: CLOSE stays off")
            self._close.pulse(pulse_s)

    def hold(self) -> None:
        """Keep the OPEN relay on; a running CLOSE pulse is ended first."""
        with self._lock:
            self._end_close_pulse()
            self._open.hold()

    def release(self) -> None:
        """End a hold; a running pulse continues."""
        self._open.release()

    def off(self) -> None:
        """Switch every relay off; never raises."""
        for relay in self._relays:
            relay.off()

    def shut_down(self) -> None:
        """Switch off, then release the lines; never raises."""
        self.off()
        for relay in self._relays:
            relay.close()
        if self._timer is not None:
            self._timer.close()

    def _add(self, name: str, pin: Any, factory: Any, later: CallLater, longest_s: float) -> Relay:
        relay = Relay(name, pin, factory=factory, call_later=later, longest_s=longest_s)
        self._relays.append(relay)
        return relay

    def _end_close_pulse(self) -> None:
        if self._close is not None:
            self._close.off()


class IrLamp:
    """The IR lamp: on during a burst, off at rest and at exit, and never longer than IR_LAMP_MAX_S.

    A lamp that fails costs light, not the burst.
    """

    def __init__(
        self, pin: OutputPin, *, factory: Any, clock: Clock, call_later: CallLater
    ) -> None:
        self._clock = clock
        with pin_errors(f"IR lamp on GPIO {pin.pin}"):
            self._relay = Relay(
                "IR lamp", pin, factory=factory, call_later=call_later, longest_s=IR_LAMP_MAX_S
            )

    @contextlib.contextmanager
    def lit(self, since_s: float) -> Iterator[float]:
        """Switch on within the block; yields the later of `since_s` and the moment of switching."""
        try:
            self._relay.pulse(IR_LAMP_MAX_S)
            since_s = max(since_s, self._clock.monotonic())
        except PinError as error:
            logger.error("%s", error)
        try:
            yield since_s
        finally:
            self._relay.off()

    def close(self) -> None:
        """Switch off, then release the line."""
        self._relay.close()
