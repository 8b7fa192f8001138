# SPDX-License-Identifier: Apache-2.0
"""The two clocks: monotonic seconds for deadlines, wall time for records and schedules.

The gate takes both from a `Clock`, so that a rehearsal passes hours in milliseconds. `schedule`
decides whether the wall clock can be trusted.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Source of both times; tests use a manual one."""

    def monotonic(self) -> float:
        """Seconds that never go back; comparable with sensor timestamps."""
        ...

    def wall(self) -> datetime:
        """Wall time, timezone-aware, in UTC."""
        ...


def utc_text(seconds: float) -> str:
    """A Unix time as ISO 8601 in UTC, in whole seconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


class SystemClock:
    """The clocks of the operating system."""

    def monotonic(self) -> float:
        """Seconds of CLOCK_MONOTONIC, which libcamera also uses for frame timestamps."""
        return time.monotonic()

    def wall(self) -> datetime:
        """Wall time, timezone-aware, in UTC."""
        return datetime.now(UTC)


def since_boot() -> float:
    """Seconds since the machine started, also while it was suspended; no clock changes them."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
