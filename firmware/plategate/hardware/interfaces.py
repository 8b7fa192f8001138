# SPDX-License-Identifier: Apache-2.0
"""Interfaces of the board's devices: camera, inputs, barrier drive, lamps, distance sensor.

Drivers (gpiozero, picamera2, rehearsal) implement them. A driver handles polarity, normally closed
wiring and contact bounce; it takes no decisions. Calls raise HardwareError (CameraError, PinError)
with one sentence and block for a few seconds at most.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from plategate.messages import InputName, Level, Signal
from plategate.values import Image, Still

# (input, new level, monotonic time of the change in seconds). Called from the driver's thread; the
# receiver only puts it into a queue.
InputCallback = Callable[[InputName, Level, float], None]


class TimerHandle(Protocol):
    """A pending timer."""

    def cancel(self) -> None:
        """Cancel the timer; harmless if it has already fired."""
        ...


# (seconds, action) -> TimerHandle. A timer thread on the device, a simulated clock in a rehearsal.
# Used for debouncing and for the end of a pulse, never by the lane.
CallLater = Callable[[float, Callable[[], None]], TimerHandle]


class Camera(Protocol):
    """One camera with one configuration.

    Used by one thread; any thread may call `close`, `snapshot` and `use_region`.
    """

    def start(self, heartbeat: Callable[[], None] | None = None) -> None:
        """Open and start the camera; CameraError if that fails, CameraHangs if it hangs.

        From now on `heartbeat` is called at least once a second while a call of this camera waits.
        """
        ...

    def delivering(self) -> bool:
        """Whether a frame has arrived since the last start."""
        ...

    def burst(self, count: int, since_s: float) -> Iterator[Still]:
        """Yield up to `count` stills that were exposed after `since_s`, oldest first.

        Each has `exposed_at_s` and `captured_at`. Raises CameraError instead of waiting for ever.
        The caller may stop early by closing the iterator.
        """
        ...

    def fault(self) -> str | None:
        """One sentence when the camera no longer delivers frames, None while it does.

        Called about once a second between bursts; returns at once and takes no still.
        """
        ...

    def snapshot(self, *, whole: bool, within_s: float) -> Image:
        """What the camera sees now (BGR), for a person who aims it; a burst is not delayed.

        `whole` is the size of a still; otherwise the picture is small. Raises CameraError where
        there is none within `within_s`.
        """
        ...

    def use_region(self, roi: tuple[float, float, float, float]) -> None:
        """Use this region of interest (left, top, width, height as fractions) from now on."""
        ...

    def close(self) -> None:
        """Stop and release the camera; harmless if it was never started. `start` may follow."""
        ...


class Inputs(Protocol):
    """All wired inputs of the lane, debounced."""

    def start(self, changed: InputCallback) -> None:
        """Report the current level of every wired input once, then every change."""
        ...

    def level(self, name: InputName) -> Level:
        """The current level; UNKNOWN for an input that is not wired or cannot be read."""
        ...

    def wired(self) -> frozenset[InputName]:
        """The inputs that are wired on this site."""
        ...

    def close(self) -> None:
        """Release the pins; no callback comes afterwards."""
        ...


class BarrierDrive(Protocol):
    """The relays of the barrier. No call waits for the arm or for the end of a pulse.

    Creating and closing a drive causes no edge on the lines. The drive's own timer ends a pulse,
    depends on no other thread, and enforces a maximum length.
    """

    def open(self, pulse_s: float) -> None:
        """Pulse the OPEN relay; ignored while such a pulse is running.

        OPEN and CLOSE are never on together: a running CLOSE pulse is ended first.
        """
        ...

    def close(self, pulse_s: float) -> None:
        """Pulse the CLOSE relay; PinError if none is wired or OPEN is on."""
        ...

    def hold(self) -> None:
        """Keep the OPEN relay on until `release` or `off`."""
        ...

    def release(self) -> None:
        """End a hold; a running pulse continues. Harmless if nothing is held."""
        ...

    def off(self) -> None:
        """Switch every relay off at once; never raises."""
        ...

    def shut_down(self) -> None:
        """Switch off, then release the pins; never raises."""
        ...


class Lamps(Protocol):
    """Status lamps and buzzer; their failures never affect the lane."""

    def show(self, signal: Signal, blinks: int = 0) -> None:
        """Show this signal from now on; `blinks` is the blink count of a fault code."""
        ...

    def close(self) -> None:
        """Switch off, then release the pins."""
        ...


class DistanceSensor(Protocol):
    """Single distance measurements, without filtering or thresholds."""

    def measure_m(self) -> float | None:
        """Metres to the nearest object, `inf` if nothing is in range, None without an echo."""
        ...

    def close(self) -> None:
        """Release the pins."""
        ...
