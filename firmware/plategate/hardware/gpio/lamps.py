# SPDX-License-Identifier: Apache-2.0
"""Status lamps and buzzer (settings: [pins] lamp, red, green, blue, buzzer; [lamps]).

Dark at rest and at exit. A thread of its own plays the rhythm; a lamp that fails is said once and
disturbs nobody. What is played is said in `lamp_language`.
"""

from __future__ import annotations

import logging
import threading
from typing import Any

from plategate.clock import Clock
from plategate.errors import PinError
from plategate.hardware.gpio.factory import pin_errors
from plategate.hardware.gpio.lamp_patterns import Colour, at, rhythm_of
from plategate.messages import Signal
from plategate.settings.lamps import LampsSettings
from plategate.settings.pins import PinsSettings

logger = logging.getLogger(__name__)

LAMPS = ("lamp", "red", "green", "blue")


class GpioLamps:
    """Fills the Lamps socket with what is wired: a lamp, red and green, all colours, or nothing."""

    def __init__(
        self, *, pins: PinsSettings, settings: LampsSettings, factory: Any, clock: Clock
    ) -> None:
        from gpiozero import OutputDevice

        self._clock = clock
        self._lit_by = _lamps_by_colour(has_blue=pins.blue is not None)
        self._settings = settings
        self._failed = False
        self._wake = threading.Condition()
        self._wanted: tuple[Signal, int] | None = None
        self._closed = False
        self._devices: dict[str, Any] = {}
        for name in (*LAMPS, "buzzer"):
            if (pin := getattr(pins, name)) is not None:
                with pin_errors(f"{name} on GPIO {pin.pin}"):
                    self._devices[name] = OutputDevice(
                        pin.pin, active_high=pin.active_high, pin_factory=factory
                    )
        self._thread = threading.Thread(target=self._play, name="lamps", daemon=True)
        if self._devices:
            self._thread.start()

    def show(self, signal: Signal, blinks: int = 0) -> None:
        """Say this from now on; saying the same again does not begin anew."""
        with self._wake:
            if (signal, blinks) != self._wanted:
                self._wanted = (signal, blinks)
                self._wake.notify()

    def close(self) -> None:
        """Dark and silent, then let go of the lines."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        if self._thread.is_alive():
            self._thread.join(timeout=2)
        for device in self._devices.values():
            self._set(device, False)
            device.close()

    def _play(self) -> None:
        shown: tuple[Signal, int] | None = None
        since_s, wait_s = 0.0, None
        while True:
            with self._wake:
                if self._wanted == shown and not self._closed:
                    self._wake.wait(wait_s)
                if self._closed:
                    return
                if self._wanted != shown:
                    shown, since_s = self._wanted, self._clock.monotonic()
            if shown is not None:
                wait_s = self._show_at(shown, self._clock.monotonic() - since_s)

    def _show_at(self, shown: tuple[Signal, int], since_s: float) -> float | None:
        """Put every lamp where it belongs; how long that lasts."""
        signal, blinks = shown
        rhythm = rhythm_of(signal, blinks)
        now = at(rhythm, since_s, beeps=self._settings.buzzer_for_results)
        lit = self._lit_by[rhythm.colour] if now.lit else frozenset()
        if signal is Signal.READY and self._settings.dark_when_ready:
            lit = frozenset()
        sounding = now.beep or (signal is Signal.FIRE and self._settings.buzzer_for_fire)
        for name, device in self._devices.items():
            self._set(device, sounding if name == "buzzer" else name in lit)
        return now.for_s

    def _set(self, device: Any, on: bool) -> None:
        try:
            with pin_errors("lamp"):
                if not device.closed:
                    device.value = on
        except PinError as error:
            if not self._failed:
                logger.error("lamps cannot be driven: %s", error)
            self._failed = True


def _lamps_by_colour(has_blue: bool) -> dict[Colour, frozenset[str]]:
    """Which lamps are lit for a colour; the single lamp for every one of them."""
    return {
        Colour.RED: frozenset({"lamp", "red"}),
        Colour.GREEN: frozenset({"lamp", "green"}),
        Colour.YELLOW: frozenset({"lamp", "red", "green"}),
        Colour.BLUE: frozenset({"lamp", "blue" if has_blue else "green"}),
    }
