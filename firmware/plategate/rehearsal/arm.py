# SPDX-License-Identifier: Apache-2.0
"""A simulated barrier: it follows the relays and operates the limit switches.

It can be jammed or moved by hand. Every movement takes the configured travel time.
"""

from __future__ import annotations

from collections.abc import Callable

from plategate.hardware.interfaces import CallLater, TimerHandle
from plategate.messages import InputName, Level
from plategate.rehearsal.board import Edge, RehearsalBoard


class RehearsalArm:
    """Rises on OPEN; falls on CLOSE, at the end of a hold, or by itself, depending on the style."""

    def __init__(
        self,
        board: RehearsalBoard,
        call_later: CallLater,
        *,
        style: str,
        travel_s: float,
        closes_itself_after_s: float,
        limit_switches: bool,
        blocked: Callable[[], bool],
    ) -> None:
        self._board = board
        self._call_later = call_later
        self._style = style
        self._travel_s = travel_s
        self._closes_itself_after_s = closes_itself_after_s
        self._limit_switches = limit_switches
        self._blocked = blocked
        self._alarm: TimerHandle | None = None
        self.jammed = False
        self.position = "down"
        board.factory.listeners.append(self._edge)

    def force(self, position: str) -> None:
        """Put the arm at "up" or "down" at once, as after a start or when moved by hand."""
        self._cancel()
        self._show(position)

    def _edge(self, edge: Edge) -> None:
        relay = self._board.relay_of(edge)
        if relay is None or self.jammed:
            return
        name, is_on = relay
        if name == "open_relay" and is_on:
            self._go("up")
        elif name == "open_relay" and self._style == "hold":
            self._go("down")
        elif name == "open_relay" and self._style == "pulse" and self.position == "up":
            self._later(self._closes_itself_after_s, self._close_itself)
        elif name == "close_relay" and is_on:
            self._go("down")

    def _close_itself(self) -> None:
        if self._blocked():
            self._later(self._closes_itself_after_s, self._close_itself)
        else:
            self._go("down")

    def _go(self, to: str) -> None:
        if self.position == to:
            self._cancel()
            return
        self._show("between")
        self._later(self._travel_s, lambda: self._arrive(to))

    def _arrive(self, at: str) -> None:
        self._show(at)
        if at == "up" and self._style == "pulse" and not self._board.relay_is_on("open_relay"):
            self._later(self._closes_itself_after_s, self._close_itself)

    def _show(self, position: str) -> None:
        self.position = position
        if self._limit_switches:
            for name, end in ((InputName.ARM_UP, "up"), (InputName.ARM_DOWN, "down")):
                self._board.put(name, Level.ACTIVE if position == end else Level.INACTIVE)

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        self._cancel()
        self._alarm = self._call_later(seconds, action)

    def _cancel(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
