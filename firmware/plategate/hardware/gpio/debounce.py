# SPDX-License-Identifier: Apache-2.0
"""Turn the raw edges of one contact into settled levels; pure, the caller brings time.

A level is settled when it was steady for its own time (short for becoming active where safety asks
for it, long for becoming clear). A contact that never comes to rest is UNKNOWN, not its last level.
"""

from __future__ import annotations

from dataclasses import dataclass

from plategate.messages import Level


@dataclass(frozen=True, slots=True)
class SettleTimes:
    """How long a raw level must be steady to be believed, in seconds."""

    on_s: float
    off_s: float
    flutter_s: float


@dataclass(frozen=True, slots=True)
class Settled:
    """A new level and when the contact took it (the first edge after which it was steady)."""

    level: Level
    since_s: float


class Debounce:
    """One contact. `edge` takes what was seen, `settle` says what is to be believed of it."""

    def __init__(self, times: SettleTimes) -> None:
        self._times = times
        self._raw: bool | None = None
        self._raw_since_s = 0.0
        self._restless_since_s: float | None = None
        self.level = Level.UNKNOWN

    def edge(self, active: bool, at_s: float) -> None:
        """The raw level is `active` since `at_s`; repeating the present one changes nothing."""
        if active == self._raw:
            return
        self._raw, self._raw_since_s = active, at_s
        if self._restless_since_s is None:
            self._restless_since_s = at_s

    def settle(self, now_s: float) -> Settled | None:
        """The new level, if there is one at this time."""
        if self._raw is None or self._restless_since_s is None:
            return None
        if now_s >= self._steady_s():
            return self._believe(Level.ACTIVE if self._raw else Level.INACTIVE)
        fluttered_s = self._restless_since_s + self._times.flutter_s
        if now_s >= fluttered_s and self.level != Level.UNKNOWN:
            self.level = Level.UNKNOWN
            return Settled(Level.UNKNOWN, self._restless_since_s)
        return None

    def deadline_s(self) -> float | None:
        """When `settle` is to be asked again, or None while the contact rests."""
        if self._raw is None or self._restless_since_s is None:
            return None
        if self.level == Level.UNKNOWN:
            return self._steady_s()
        return min(self._steady_s(), self._restless_since_s + self._times.flutter_s)

    def lose(self, now_s: float) -> Settled | None:
        """The contact cannot be read any more."""
        self._raw = self._restless_since_s = None
        if self.level == Level.UNKNOWN:
            return None
        self.level = Level.UNKNOWN
        return Settled(Level.UNKNOWN, now_s)

    def _steady_s(self) -> float:
        # The same sum for `settle` and `deadline_s`: a rounding apart they would wait for ever.
        return self._raw_since_s + (self._times.on_s if self._raw else self._times.off_s)

    def _believe(self, level: Level) -> Settled | None:
        self._restless_since_s = None
        if level == self.level:
            return None
        self.level = level
        return Settled(level, self._raw_since_s)
