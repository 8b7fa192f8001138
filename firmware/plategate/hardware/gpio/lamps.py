# SPDX-License-Identifier: Apache-2.0
"""Status lamps, buzzer, sign (settings: [pins] lamp, red, green, blue, buzzer, full_sign; [lamps]).

Every signal has a rhythm of its own, so that a single lamp can show them all; lamps.md is the
printed key. A wanted vehicle is shown as REFUSED.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from plategate.clock import Clock
from plategate.errors import PinError
from plategate.hardware.gpio.factory import pin_errors
from plategate.messages import Signal
from plategate.settings.lamps import LampsSettings
from plategate.settings.pins import OutputPin, PinsSettings

logger = logging.getLogger(__name__)


class Colour(StrEnum):
    """The colour of a signal; a single lamp is lit for each of them."""

    RED = "red"
    GREEN = "green"
    YELLOW = "yellow"  # red and green together
    BLUE = "blue"  # green where there is no blue lamp


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Alternating seconds lit and dark, starting lit, repeated; no steps: lit continuously."""

    colour: Colour
    steps_s: tuple[float, ...] = ()
    beeps: int = 0

    @property
    def period_s(self) -> float:
        """Seconds until the rhythm repeats; 0 if it is lit continuously."""
        return sum(self.steps_s)


LAMPS = ("lamp", "red", "green", "blue")
SHORT_S, LONG_S, GAP_S, PAUSE_S = 0.25, 1.0, 0.25, 1.5

RHYTHMS = {
    Signal.STARTING: Rhythm(Colour.BLUE, (0.9, 0.1)),
    Signal.READY: Rhythm(Colour.GREEN, (0.1, 2.9)),
    Signal.READING: Rhythm(Colour.YELLOW, (0.1, 0.1)),
    Signal.GRANTED: Rhythm(Colour.GREEN, beeps=1),
    Signal.REFUSED: Rhythm(Colour.RED, (1.0, 1.0), beeps=2),
    Signal.UNSURE: Rhythm(Colour.YELLOW, (0.4, 0.4), beeps=3),
    Signal.LOCKED: Rhythm(Colour.RED, (0.1, 0.3, 0.1, 2.5)),
    Signal.HELD_OPEN: Rhythm(Colour.GREEN, (2.7, 0.3)),
    Signal.NO_CAMERA: Rhythm(Colour.RED, (LONG_S, GAP_S, SHORT_S, PAUSE_S)),
    Signal.LIST_TOO_OLD: Rhythm(Colour.RED, (LONG_S, GAP_S, SHORT_S, GAP_S, SHORT_S, PAUSE_S)),
    Signal.FIRE: Rhythm(Colour.BLUE, (0.05, 0.05)),
}


def rhythm_of(signal: Signal, blinks: int = 0) -> Rhythm:
    """The rhythm of a signal; `blinks` is the blink count of a fault code."""
    if signal is Signal.FAULT:
        count = max(1, blinks)
        return Rhythm(Colour.RED, (SHORT_S, GAP_S) * (count - 1) + (SHORT_S, PAUSE_S))
    return RHYTHMS[signal]


BEEP_S = 0.12


@dataclass(frozen=True, slots=True)
class LampState:
    """State of lamp and buzzer at one moment, valid for `for_s` seconds (None: for ever)."""

    lit: bool
    beep: bool
    for_s: float | None


def output_at(rhythm: Rhythm, since_s: float, *, beeps: bool = True) -> LampState:
    """State of lamp and buzzer `since_s` after the rhythm began."""
    lit, lit_for_s = _lit(rhythm, since_s)
    beep, beep_for_s = _beep(rhythm.beeps if beeps else 0, since_s)
    waits = [wait_s for wait_s in (lit_for_s, beep_for_s) if wait_s is not None]
    return LampState(lit, beep, min(waits, default=None))


def _lit(rhythm: Rhythm, since_s: float) -> tuple[bool, float | None]:
    if not rhythm.steps_s:
        return True, None
    left_s = since_s % rhythm.period_s
    for number, step_s in enumerate(rhythm.steps_s):
        if left_s < step_s:
            return number % 2 == 0, step_s - left_s
        left_s -= step_s
    return True, rhythm.steps_s[0]


def _beep(count: int, since_s: float) -> tuple[bool, float | None]:
    half_beeps = int(since_s / BEEP_S)
    if half_beeps >= 2 * count - 1:
        return False, None
    return half_beeps % 2 == 0, (half_beeps + 1) * BEEP_S - since_s


class GpioLamps:
    """Implements `interfaces.Lamps` with the wired lamps: one, red and green, all three, or none.

    Lamps are dark at rest and at exit. A thread plays the rhythm. A failing lamp is logged once.
    """

    def __init__(
        self, *, pins: PinsSettings, settings: LampsSettings, factory: Any, clock: Clock
    ) -> None:
        from gpiozero import OutputDevice

        self._clock = clock
        self._lit_by = _lamps_by_colour(has_blue=pins.blue is not None)
        self._settings = settings
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
        since_s, wait_s = 0.0, None
        while True:
            with self._wake:
                if self._requested == shown and not self._closed:
                    self._wake.wait(wait_s)
                if self._closed:
                    return
                if self._requested != shown:
                    shown, since_s = self._requested, self._clock.monotonic()
            if shown is not None:
                wait_s = self._show_at(shown, self._clock.monotonic() - since_s)

    def _show_at(self, shown: tuple[Signal, int], since_s: float) -> float | None:
        """Set every lamp for this moment; returns the seconds until the next change."""
        signal, blinks = shown
        rhythm = rhythm_of(signal, blinks)
        now = output_at(rhythm, since_s, beeps=self._settings.buzzer_for_results)
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


def _lamps_by_colour(has_blue: bool) -> dict[Colour, frozenset[str]]:
    """The lamps to light for each colour; the single lamp is lit for all of them."""
    return {
        Colour.RED: frozenset({"lamp", "red"}),
        Colour.GREEN: frozenset({"lamp", "green"}),
        Colour.YELLOW: frozenset({"lamp", "red", "green"}),
        Colour.BLUE: frozenset({"lamp", "blue" if has_blue else "green"}),
    }
