# SPDX-License-Identifier: Apache-2.0
"""The two clocks: monotonic seconds for deadlines, wall time for records and schedules.

The only file of the package that asks the operating system for the time. `schedule` decides whether
the wall clock can be trusted.
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


class SystemClock:
    """The clocks of the operating system."""

    def monotonic(self) -> float:
        """Seconds of CLOCK_MONOTONIC, which libcamera also uses for frame timestamps."""
        return time.monotonic()

    def wall(self) -> datetime:
        """Wall time, timezone-aware, in UTC."""
        return datetime.now(UTC)
