# SPDX-License-Identifier: Apache-2.0
"""A board without a board: gpiozero's mock pins under the real adapters, with every edge recorded.

Contacts are put to a level by the name of their setting in [pins]; relays are watched. Real are the
debouncing, the polarity, the drive and its bound; not real is the copper.
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
    """An output line changed: the BCM number, high or low, monotonic seconds."""

    pin: int
    high: bool
    at_s: float


class RecordingPin(MockPin):  # type: ignore[misc]
    """A mock pin that is timed by the factory's clock and tells it of every edge it drives."""

    def __init__(self, factory: Any, info: Any) -> None:
        self.broken = False
        self._state: bool = False
        super().__init__(factory, info)

    def clear_states(self) -> None:
        """Forget the past; what is kept is bounded, so that a rehearsal may last for days."""
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
            raise OSError("the line cannot be read (rehearsed)")
        return bool(self._state)


class RecordingFactory(MockFactory):  # type: ignore[misc]
    """Mock pins on a clock that may be turned by hand; calls `listeners` at every driven edge."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.edges: deque[Edge] = deque(maxlen=MOST_EDGES)
        self.listeners: list[Callable[[Edge], None]] = []
        super().__init__(pin_class=RecordingPin)

    def ticks(self) -> float:
        """Seconds of the clock, as the callbacks of real pins carry them."""
        return self.clock.monotonic()

    def driven(self, edge: Edge) -> None:
        """Keep an edge and tell whoever listens."""
        self.edges.append(edge)
        for listener in tuple(self.listeners):
            listener(edge)


class RehearsalBoard:
    """Puts contacts to levels and says what the relays did."""

    def __init__(self, pins: PinsSettings, clock: Clock) -> None:
        self.factory = RecordingFactory(clock)
        self._pins = pins

    def rest(self) -> None:
        """Every contact quiet; to be called once the inputs have claimed their lines."""
        for name in self._pins.inputs:
            self.put(InputName(name), Level.INACTIVE)

    def put(self, name: InputName, level: Level) -> None:
        """What the input's name says is so, is not so, or cannot be known any more."""
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
        """Which relay an edge belongs to and whether it went on; None for lamps."""
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
