# SPDX-License-Identifier: Apache-2.0
"""Who vouches for the wall clock: the kernel's time-server state, and the real-time clock.

Whether that is enough is decided in `clocktrust`.
"""

from __future__ import annotations

import ctypes
from datetime import UTC, datetime
from pathlib import Path

TIMESYNC_MARK = Path("/run/systemd/timesync/synchronized")
RTC_SECONDS = Path("/sys/class/rtc/rtc0/since_epoch")
_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
_TIMEX_BYTES = 512  # more than struct timex has on any platform


def ntp_synchronised() -> bool:
    """Whether a time server has set the clock since boot, as systemd or the kernel says."""
    return TIMESYNC_MARK.exists() or _kernel_says_so()


def rtc_time() -> datetime | None:
    """What the real-time clock says; None where there is none."""
    try:
        return datetime.fromtimestamp(int(RTC_SECONDS.read_text(encoding="ascii")), UTC)
    except (OSError, ValueError, OverflowError):
        return None


def _kernel_says_so() -> bool:
    # All zero asks and changes nothing; a sandbox that forbids the call answers -1.
    state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    return state not in (-1, _TIME_ERROR)
