# SPDX-License-Identifier: Apache-2.0
"""A simulated board: gpiozero's mock pins below the real drivers, with every output edge recorded.

Contacts are set by the name of their key in [pins]. Debouncing, polarity, relay drive and pulse
limit are the real ones; only the lines are simulated.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gpiozero.pins.mock import MockFactory, MockPin, PinState

from plategate.clock import Clock
from plategate.messages import InputName, Level
from plategate.settings.pins import OutputPin, PinsSettings

MOST_EDGES = 4096
MOST_STATES = 64


@dataclass(frozen=True, slots=True)
class Edge:
    """A change of an output line: BCM number, level, monotonic seconds."""

    pin: int
    high: bool
    at_s: float


class RecordingPin(MockPin):  # type: ignore[misc]
    """A mock pin on the factory's clock that reports every edge it drives to the factory."""

    def __init__(self, factory: Any, info: Any) -> None:
        self.broken = False
        self._state: bool = False
        super().__init__(factory, info)

    def clear_states(self) -> None:
        """Clear the history, which is bounded so that a rehearsal can run for days."""
        self._last_change = self.factory.clock.monotonic()
        self.states = deque([PinState(0.0, self._state)], maxlen=MOST_STATES)

    def _change_state(self, value: bool) -> bool:
        if self._state == value:
            return False
        at_s = self.factory.clock.monotonic()
        self._state = value
        self.states.append(PinState(at_s - self._last_change, value))
        self._last_change = at_s
        if self._function == "output":
            self.factory.driven(Edge(int(self.info.name.removeprefix("GPIO")), bool(value), at_s))
        return True

    def _get_state(self) -> bool:
        if self.broken:
            raise OSError("the line cannot be read (simulated)")
        return bool(self._state)


class RecordingFactory(MockFactory):  # type: ignore[misc]
    """Mock pins on a system or manual clock; calls `listeners` at every driven edge."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.edges: deque[Edge] = deque(maxlen=MOST_EDGES)
        self.listeners: list[Callable[[Edge], None]] = []
        super().__init__(pin_class=RecordingPin)

    def ticks(self) -> float:
        """Monotonic seconds, as passed to the callbacks of real pins."""
        return self.clock.monotonic()

    def driven(self, edge: Edge) -> None:
        """Record an edge and call the listeners."""
        self.edges.append(edge)
        for listener in tuple(self.listeners):
            listener(edge)


class RehearsalBoard:
    """Sets contacts and observes relays."""

    def __init__(self, pins: PinsSettings, clock: Clock) -> None:
        self.factory = RecordingFactory(clock)
        self._pins = pins

    def rest(self) -> None:
        """Set every contact inactive; call after the inputs have claimed their lines."""
        for name in self._pins.inputs:
            self.put(InputName(name), Level.INACTIVE)

    def put(self, name: InputName, level: Level) -> None:
        """Set an input to a level; UNKNOWN makes its line unreadable."""
        contact = self._pins.inputs[name.value]
        pin = self.factory.pin(contact.pin)
        pin.broken = level is Level.UNKNOWN
        if level is Level.UNKNOWN:
            return
        high = contact.active_is_high == (level is Level.ACTIVE)
        pin.drive_high() if high else pin.drive_low()

    def relay_is_on(self, name: str) -> bool:
        """Whether a relay ("open_relay", "close_relay") is on."""
        relay = self._output(name)
        return bool(self.factory.pin(relay.pin).state) == relay.active_high

    def relay_of(self, edge: Edge) -> tuple[str, bool] | None:
        """The relay an edge belongs to and whether it switched on; None for lamps."""
        for name in ("open_relay", "close_relay"):
            relay = getattr(self._pins, name)
            if relay is not None and relay.pin == edge.pin:
                return name, edge.high == relay.active_high
        return None

    def _output(self, name: str) -> OutputPin:
        relay: OutputPin | None = getattr(self._pins, name)
        if relay is None:
            raise KeyError(name)
        return relay
