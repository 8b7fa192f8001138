# SPDX-License-Identifier: Apache-2.0
"""Decide whether the wall clock can be trusted: a Pi without network or battery starts in the past.

The clock is trusted if a time server or a real-time clock confirms it and it has not jumped
recently. Without a time server it must not be earlier than the last trusted time, a stamp on disk;
a time server in sync outranks the stamp, which a wrong real-time clock may have set in the future.
"""

from __future__ import annotations

import ctypes
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from plategate.clock import Clock, SystemClock
from plategate.durable_files import replace_file

EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)  # before the first release
RTC_AGREES = timedelta(minutes=2)
JUMP = timedelta(minutes=5)
STAMP_TOLERANCE = timedelta(minutes=2)
STAMP_EVERY = timedelta(hours=1)  # saves writes to the SD card
SETTLED_S = 600.0  # a clock that jumped must run this long before it is trusted again

TIMESYNC_MARK = Path("/run/systemd/timesync/synchronized")
RTC_SECONDS = Path("/sys/class/rtc/rtc0/since_epoch")
_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
_TIMEX_BYTES = 512  # larger than struct timex on any platform

logger = logging.getLogger(__name__)


def ntp_synchronised() -> bool:
    """Whether a time server has set the clock since boot.

    systemd-timesyncd leaves a mark; chrony and ntpsec only tell the kernel.
    """
    return TIMESYNC_MARK.exists() or _kernel_synchronised()


def rtc_time() -> datetime | None:
    """The time of the real-time clock; None if there is none."""
    try:
        return datetime.fromtimestamp(int(RTC_SECONDS.read_text(encoding="ascii")), UTC)
    except (OSError, ValueError, OverflowError):
        return None


class ClockTrust:
    """Monitors the wall clock; `why` is the reason for the last result of `trusted`."""

    def __init__(
        self,
        stamp_file: Path,
        clock: Clock | None = None,
        *,
        ntp: Callable[[], bool] = ntp_synchronised,
        rtc: Callable[[], datetime | None] = rtc_time,
        update_stamp: bool = True,
    ) -> None:
        """Read the time stamp; `trusted` updates it unless `update_stamp` is False."""
        self._clock = clock or SystemClock()
        self._ntp, self._rtc = ntp, rtc
        self._stamp_file = stamp_file
        self._stamp = _read_stamp(stamp_file)
        self._update_stamp = update_stamp
        self._last: tuple[datetime, float] | None = None
        self._was_trusted = self._was_synchronised = False
        self._distrusted_until_s = float("-inf")
        self.why = "not checked yet"

    def trusted(self) -> bool:
        """Whether time limits may be checked against the wall clock."""
        wall, now_s = self._clock.wall(), self._clock.monotonic()
        synchronised = self._ntp()
        self._notice_jump(wall, now_s, synchronised)
        reason = self._doubt(wall, now_s, synchronised)
        if (reason is None) != self._was_trusted:
            logger.info("clock %s: %s", "not trusted" if reason else "trusted", reason or wall)
        self.why = reason or "confirmed by a time server or a real-time clock"
        self._was_trusted = reason is None
        ahead = wall - self._stamp
        if reason is None and not -STAMP_TOLERANCE <= ahead < STAMP_EVERY:
            self._move_stamp(wall)
        return reason is None

    def _notice_jump(self, wall: datetime, now_s: float, synchronised: bool) -> None:
        # The first jump of a time server is the correction that is wanted.
        corrected = synchronised and not self._was_synchronised
        if self._last is not None and self._was_trusted and not corrected:
            last_wall, last_s = self._last
            if abs(wall - last_wall - timedelta(seconds=now_s - last_s)) > JUMP:
                self._distrusted_until_s = now_s + SETTLED_S
        self._last = (wall, now_s)
        self._was_synchronised = synchronised

    def _doubt(self, wall: datetime, now_s: float, synchronised: bool) -> str | None:
        if wall < EARLIEST:
            return f"it shows {wall:%Y-%m-%d}"
        if not synchronised and wall < self._stamp - STAMP_TOLERANCE:
            return f"it is earlier than the last trusted time, {self._stamp:%Y-%m-%d %H:%M} UTC"
        if now_s < self._distrusted_until_s:
            return "it has jumped recently"
        if not (synchronised or self._rtc_agrees(wall)):
            return "neither a time server nor a real-time clock confirms it"
        return None

    def _rtc_agrees(self, wall: datetime) -> bool:
        rtc = self._rtc()
        return rtc is not None and abs(rtc - wall) <= RTC_AGREES

    def _move_stamp(self, wall: datetime) -> None:
        self._stamp = wall
        if not self._update_stamp:
            return
        try:
            self._stamp_file.parent.mkdir(parents=True, exist_ok=True)
            stamp = wall.isoformat(timespec="seconds") + "\n"
            replace_file(self._stamp_file, stamp.encode())
        except OSError as error:
            logger.warning("%s: clock stamp cannot be written: %s", self._stamp_file, error)


def _read_stamp(file: Path) -> datetime:
    try:
        found = datetime.fromisoformat(file.read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        return EARLIEST
    return max(found, EARLIEST) if found.tzinfo else EARLIEST


def _kernel_synchronised() -> bool:
    # An all-zero struct reads the state without changing it and needs no privilege. glibc calls
    # clock_adjtime for it on some platforms; a sandbox must allow both.
    library = ctypes.CDLL(None, use_errno=True)
    state = library.adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    if state == -1:
        _log_forbidden(os.strerror(ctypes.get_errno()))
    return state not in (-1, _TIME_ERROR)


@cache
def _log_forbidden(reason: str) -> None:
    logger.warning("adjtimex: %s; chrony and ntpsec cannot confirm the clock", reason)
