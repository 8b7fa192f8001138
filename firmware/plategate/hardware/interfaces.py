# SPDX-License-Identifier: Apache-2.0
"""The sockets that the board's devices plug into: camera, inputs, barrier drive, lamps, distance.

Adapters (gpiozero, picamera2, rehearsal) fill them; only `gate` builds adapters. An adapter settles
polarity, normally-closed wiring and bounce; it decides nothing. Each raises HardwareError (or
CameraError, PinError) with a sentence, and no call blocks for more than a few seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from plategate.messages import InputName, Level, Signal
from plategate.values import Still

# (input, its new level, seconds of the monotonic clock at which it changed). Called from whatever
# thread noticed the change; the receiver only puts it into a queue.
InputCallback = Callable[[InputName, Level, float], None]


class Alarm(Protocol):
    """Something that will be called later."""

    def cancel(self) -> None:
        """Make sure that it is not called any more, if it was not called yet."""
        ...


# (seconds, action) -> Alarm. `threading.Timer` behind it on the device, a hand-turned clock in a
# rehearsal; used for debouncing and for the bound of a pulse, never by the lane.
CallLater = Callable[[float, Callable[[], None]], Alarm]


class Camera(Protocol):
    """One camera in one running configuration. Used by one thread, but `close` by any."""

    def start(self) -> None:
        """Open the camera and let it run; CameraError where that fails."""
        ...

    def burst(self, count: int, since_s: float) -> Iterator[Still]:
        """Yield up to `count` stills that were provably exposed after `since_s`, oldest first.

        Each has `exposed_at_s` and `captured_at`. Raises CameraError instead of waiting for ever;
        the receiver may stop early by closing the iterator.
        """
        ...

    def fault(self) -> str | None:
        """One sentence when the camera no longer delivers, None while it does.

        Asked about once a second between bursts; quick, and takes no still.
        """
        ...

    def close(self) -> None:
        """Stop and let go of the camera; harmless when it was never started. `start` may follow."""
        ...


class Inputs(Protocol):
    """All wired inputs of the lane, debounced."""

    def start(self, changed: InputCallback) -> None:
        """Report the present level of every wired input once, then every change."""
        ...

    def level(self, name: InputName) -> Level:
        """The level now; UNKNOWN for an input that is not wired or cannot be read."""
        ...

    def wired(self) -> frozenset[InputName]:
        """The inputs that exist on this site."""
        ...

    def close(self) -> None:
        """Let go of the pins; no callback comes afterwards."""
        ...


class BarrierDrive(Protocol):
    """The relays of the barrier. No call waits for the arm or for the end of a pulse.

    Creating and closing a drive makes no edge. A pulse ends by a timer of the drive's own, which
    depends on no other thread, and is never longer than the drive's own limit.
    """

    def open(self, pulse_s: float) -> None:
        """Pulse the OPEN relay; while a pulse runs, a second call changes nothing.

        OPEN and CLOSE are never on together: a CLOSE pulse that runs is ended first.
        """
        ...

    def close(self, pulse_s: float) -> None:
        """Pulse the CLOSE relay; PinError where none is wired, and while OPEN is on."""
        ...

    def hold(self) -> None:
        """Keep the OPEN relay closed until `release` or `off`."""
        ...

    def release(self) -> None:
        """End a hold (a pulse goes on to its end); harmless when nothing is held."""
        ...

    def off(self) -> None:
        """Put every relay to rest at once; never raises."""
        ...

    def shut_down(self) -> None:
        """Off first, then let go of the pins; never raises."""
        ...


class Lamps(Protocol):
    """Status lamps and buzzer; none of their failures may disturb the lane."""

    def show(self, signal: Signal, blinks: int = 0) -> None:
        """Show this from now on; `blinks` is the count of a fault code."""
        ...

    def close(self) -> None:
        """Dark, then let go of the pins."""
        ...


class DistanceSensor(Protocol):
    """One measurement at a time; filtering and thresholds are made of it by the adapter above."""

    def measure_m(self) -> float | None:
        """Metres to the nearest thing, or None where no echo came back."""
        ...

    def close(self) -> None:
        """Let go of the pins."""
        ...
