# SPDX-License-Identifier: Apache-2.0
"""PURE: whether a plate at a lane is a new visit or the car that stood there a moment ago.

The caller brings monotonic seconds. Each plate and lane has its own window, so a second car is
never hidden by the first.
"""

from __future__ import annotations

MOST_REMEMBERED = 1_000


class Repeats:
    """Remembers when a plate was last seen at a lane, for as long as the window lasts."""

    def __init__(self, window_s: float) -> None:
        """A car seen again within `window_s` of the last time is on the same visit."""
        self._window_s = window_s
        self._last_seen: dict[tuple[str, str], float] = {}

    def is_repeat(self, plate: str, lane: str, now_s: float) -> bool:
        """Whether this is the same visit; either way the window starts anew."""
        key = (plate, lane)
        last = self._last_seen.pop(key, None)
        self._last_seen[key] = now_s  # put last: the order is the order of being seen
        if len(self._last_seen) > MOST_REMEMBERED:
            del self._last_seen[next(iter(self._last_seen))]
        return last is not None and now_s - last < self._window_s

    def forget(self, plate: str, lane: str) -> None:
        """The car has left the lane; whoever comes next is on a new visit."""
        self._last_seen.pop((plate, lane), None)
