# SPDX-License-Identifier: Apache-2.0
"""Debouncing of one contact: raw edges in, settled levels out; pure, the caller supplies time.

A level is settled once it has been steady for its own time (short towards active for safety inputs,
long towards clear). A contact that keeps fluttering is UNKNOWN; its last level is not kept.
"""

from __future__ import annotations

from dataclasses import dataclass

from plategate.messages import Level


@dataclass(frozen=True, slots=True)
class SettleTimes:
    """How long a raw level must be steady before it counts, in seconds."""

    on_s: float
    off_s: float
    flutter_s: float


@dataclass(frozen=True, slots=True)
class Settled:
    """A new level and the time of the edge after which it was steady."""

    level: Level
    since_s: float


class Debounce:
    """One contact. `edge` takes raw edges, `settle` returns the debounced level."""

    def __init__(self, times: SettleTimes) -> None:
        self._times = times
        self._raw: bool | None = None
        self._raw_since_s = 0.0
        self._unsettled_since_s: float | None = None
        self.level = Level.UNKNOWN

    def edge(self, active: bool, at_s: float) -> None:
        """Note that the raw level became `active` at `at_s`; a repeated level is ignored."""
        if active == self._raw:
            return
        self._raw, self._raw_since_s = active, at_s
        if self._unsettled_since_s is None:
            self._unsettled_since_s = at_s

    def settle(self, now_s: float) -> Settled | None:
        """The new settled level at `now_s`, or None if nothing has changed."""
        if self._raw is None or self._unsettled_since_s is None:
            return None
        if now_s >= self._steady_s():
            return self._set_level(Level.ACTIVE if self._raw else Level.INACTIVE)
        flutter_end_s = self._unsettled_since_s + self._times.flutter_s
        if now_s >= flutter_end_s and self.level != Level.UNKNOWN:
            self.level = Level.UNKNOWN
            return Settled(Level.UNKNOWN, self._unsettled_since_s)
        return None

    def deadline_s(self) -> float | None:
        """When to call `settle` next, or None while the contact is settled."""
        if self._raw is None or self._unsettled_since_s is None:
            return None
        if self.level == Level.UNKNOWN:
            return self._steady_s()
        return min(self._steady_s(), self._unsettled_since_s + self._times.flutter_s)

    def lose(self, now_s: float) -> Settled | None:
        """Note that the contact cannot be read any more: it becomes UNKNOWN."""
        self._raw = self._unsettled_since_s = None
        if self.level == Level.UNKNOWN:
            return None
        self.level = Level.UNKNOWN
        return Settled(Level.UNKNOWN, now_s)

    def _steady_s(self) -> float:
        # `settle` and `deadline_s` must use the same floating-point sum, or they would never agree.
        return self._raw_since_s + (self._times.on_s if self._raw else self._times.off_s)

    def _set_level(self, level: Level) -> Settled | None:
        self._unsettled_since_s = None
        if level == self.level:
            return None
        self.level = level
        return Settled(level, self._raw_since_s)
