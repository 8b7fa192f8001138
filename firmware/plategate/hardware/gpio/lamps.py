# SPDX-License-Identifier: Apache-2.0
"""Status lamps, buzzer, sign (settings: [pins] lamp, red, green, blue, buzzer, full_sign; [lamps]).

rhythms.py has the rhythms. A wanted vehicle is shown as REFUSED. While the gate is ready and the
console has a one-time code to show, the lamp blinks the code in place of READY; every other signal
comes first. The lane knows nothing of it.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from plategate.clock import Clock
from plategate.errors import PinError
from plategate.hardware.gpio.factory import pin_errors
from plategate.hardware.gpio.rhythms import Colour, code_rhythm, output_at, rhythm_of
from plategate.messages import Signal
from plategate.settings.lamps import LampsSettings
from plategate.settings.pins import OutputPin, PinsSettings

logger = logging.getLogger(__name__)

LAMPS = ("lamp", "red", "green", "blue")
CODE = re.compile(r"[0-9]{4,12}")
CODE_LOOK_EVERY_S = 1.0
IDLE = (Signal.READY, 0)


class GpioLamps:
    """Implements `interfaces.Lamps` with the wired lamps: one, red and green, all three, or none.

    Lamps are dark at rest and at exit. A thread plays the rhythm. A failing lamp is logged once.
    """

    def __init__(
        self,
        *,
        pins: PinsSettings,
        settings: LampsSettings,
        factory: Any,
        clock: Clock,
        code: Callable[[], str] = str,
    ) -> None:
        """`code` returns the digits of the console's one-time code, "" while there is none."""
        from gpiozero import OutputDevice

        self._clock = clock
        self._lit_by = _lamps_by_colour(has_blue=pins.blue is not None)
        self._settings = settings
        self._code = code
        self._failed = False
        self._wake = threading.Condition()
        self._requested: tuple[Signal, int] | None = None
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
        """Show this signal from now on; repeating it does not restart its rhythm."""
        with self._wake:
            if (signal, blinks) != self._requested:
                self._requested = (signal, blinks)
                self._wake.notify()

    def close(self) -> None:
        """Switch lamps and buzzer off, then release the lines."""
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
        digits = ""
        since_s, wait_s = 0.0, None
        while True:
            with self._wake:
                if self._requested == shown and not self._closed:
                    self._wake.wait(wait_s)
                if self._closed:
                    return
                requested = self._requested
            code = self._code() if requested == IDLE else ""
            if (requested, code) != (shown, digits):
                shown, digits, since_s = requested, code, self._clock.monotonic()
            if shown is not None:
                wait_s = self._show_at(shown, digits, self._clock.monotonic() - since_s)
                if shown == IDLE:
                    wait_s = min(wait_s or CODE_LOOK_EVERY_S, CODE_LOOK_EVERY_S)

    def _show_at(self, shown: tuple[Signal, int], digits: str, since_s: float) -> float | None:
        """Set every lamp for this moment; returns the seconds until the next change."""
        signal, blinks = shown
        rhythm = code_rhythm(digits) if digits else rhythm_of(signal, blinks)
        now = output_at(rhythm, since_s, beeps=self._settings.buzzer_for_results)
        lit = self._lit_by[rhythm.colour] if now.lit else frozenset()
        if signal is Signal.READY and not digits and self._settings.dark_when_ready:
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


class FullSign:
    """A lit sign "full"; dark at rest and at exit."""

    def __init__(self, pin: OutputPin, *, factory: Any) -> None:
        """Claim the line; raises PinError."""
        from gpiozero import OutputDevice

        with pin_errors(f"full_sign on GPIO {pin.pin}"):
            self._device = OutputDevice(pin.pin, active_high=pin.active_high, pin_factory=factory)

    def show(self, full: bool) -> None:
        """Light the sign or not; raises PinError."""
        with pin_errors("full_sign"):
            if not self._device.closed:
                self._device.value = full

    def close(self) -> None:
        """Switch off, then release the line."""
        self.show(False)
        self._device.close()


def code_in(file: Path) -> str:
    """The digits in a file; "" where there is none, or it is not a code."""
    try:
        with file.open(encoding="ascii") as stream:
            text = stream.read(64).strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return text if CODE.fullmatch(text) else ""


def _lamps_by_colour(has_blue: bool) -> dict[Colour, frozenset[str]]:
    """The lamps to light for each colour; the single lamp is lit for all of them."""
    return {
        Colour.RED: frozenset({"lamp", "red"}),
        Colour.GREEN: frozenset({"lamp", "green"}),
        Colour.YELLOW: frozenset({"lamp", "red", "green"}),
        Colour.BLUE: frozenset({"lamp", "blue" if has_blue else "green"}),
    }
