# SPDX-License-Identifier: Apache-2.0
"""The two clocks: monotonic seconds for deadlines, aware wall time for records and schedules.

Nothing else in the package asks the operating system for the time. Whether the wall clock can be
trusted is decided in `access`.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Source of both times; a test turns one by hand."""

    def monotonic(self) -> float:
        """Seconds that never go back; comparable with sensor timestamps."""
        ...

    def wall(self) -> datetime:
        """Wall time, aware, in UTC."""
        ...


class SystemClock:
    """The clocks of the machine."""

    def monotonic(self) -> float:
        """Seconds of CLOCK_MONOTONIC, the clock that libcamera stamps frames with."""
        return time.monotonic()

    def wall(self) -> datetime:
        """Wall time, aware, in UTC."""
        return datetime.now(UTC)
