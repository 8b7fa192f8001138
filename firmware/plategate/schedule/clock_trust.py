# SPDX-License-Identifier: Apache-2.0
"""Whether the wall clock can be trusted: a Pi without network or battery wakes up in the past.

Trusted is a clock that a time server or a real-time clock vouches for, that is not before the last
time which was trusted (a stamp on disk that never goes back), and that has not just jumped.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from plategate.clock import Clock, SystemClock
from plategate.schedule.clock_sources import ntp_synchronised, rtc_time
from plategate.storage import replace_file

EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)  # Plategate is not older than that
RTC_AGREES = timedelta(minutes=2)
JUMP = timedelta(minutes=5)
STAMP_TOLERANCE = timedelta(minutes=2)
STAMP_EVERY = timedelta(hours=1)  # spares the card
SETTLED_S = 600.0  # a clock that jumped must hold for so long

logger = logging.getLogger(__name__)


class ClockTrust:
    """Watches the wall clock; `why` says in words what `trusted` found last."""

    def __init__(
        self,
        stamp_file: Path,
        clock: Clock | None = None,
        *,
        ntp: Callable[[], bool] = ntp_synchronised,
        rtc: Callable[[], datetime | None] = rtc_time,
    ) -> None:
        """The stamp is read now and written as time goes by."""
        self._clock = clock or SystemClock()
        self._ntp, self._rtc = ntp, rtc
        self._stamp_file = stamp_file
        self._stamp = _read_stamp(stamp_file)
        self._last: tuple[datetime, float] | None = None
        self._was_trusted = False
        self._distrusted_until_s = float("-inf")
        self.why = "not looked at yet"

    def trusted(self) -> bool:
        """Whether times from the wall clock may decide who passes."""
        wall, now_s = self._clock.wall(), self._clock.monotonic()
        self._notice_jump(wall, now_s)
        reason = self._doubt(wall, now_s)
        if (reason is None) != self._was_trusted:
            logger.info("clock %s: %s", "not trusted" if reason else "trusted", reason or wall)
        self.why = reason or "vouched for"
        self._was_trusted = reason is None
        if reason is None and wall - self._stamp >= STAMP_EVERY:
            self._move_stamp(wall)
        return reason is None

    def _notice_jump(self, wall: datetime, now_s: float) -> None:
        if self._last is not None and self._was_trusted:
            last_wall, last_s = self._last
            if abs(wall - last_wall - timedelta(seconds=now_s - last_s)) > JUMP:
                self._distrusted_until_s = now_s + SETTLED_S
        self._last = (wall, now_s)

    def _doubt(self, wall: datetime, now_s: float) -> str | None:
        if wall < EARLIEST:
            return f"it says {wall:%Y-%m-%d}"
        if wall < self._stamp - STAMP_TOLERANCE:
            return f"it is before {self._stamp:%Y-%m-%d %H:%M} UTC, a time already seen"
        if now_s < self._distrusted_until_s:
            return "it has just jumped"
        if not (self._ntp() or self._rtc_agrees(wall)):
            return "neither a time server nor a real-time clock vouches for it"
        return None

    def _rtc_agrees(self, wall: datetime) -> bool:
        rtc = self._rtc()
        return rtc is not None and abs(rtc - wall) <= RTC_AGREES

    def _move_stamp(self, wall: datetime) -> None:
        self._stamp = wall
        try:
            self._stamp_file.parent.mkdir(parents=True, exist_ok=True)
            stamp = wall.isoformat(timespec="seconds") + "\n"
            replace_file(self._stamp_file, stamp.encode())
        except OSError as error:
            logger.warning("clock stamp cannot be written: %s", error)


def _read_stamp(file: Path) -> datetime:
    try:
        found = datetime.fromisoformat(file.read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        return EARLIEST
    return max(found, EARLIEST) if found.tzinfo else EARLIEST
