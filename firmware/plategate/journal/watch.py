# SPDX-License-Identifier: Apache-2.0
"""Wait until the journal has new events: inotify wakes the process when its files are written.

SQLite writes a commit to the WAL before readers can see it, and inotify reports the write, not the
end of the flush. After a write the journal is therefore asked again in growing intervals. They are
not ended by an event that is found: it may be the one before.
"""

from __future__ import annotations

import ctypes
import os
import select
import sys
from pathlib import Path

from plategate.journal.database import FILE_NAME

# Constants of inotify(7).
_IN_MODIFY, _IN_MOVED_TO, _IN_CREATE = 0x002, 0x080, 0x100
_IN_NONBLOCK, _IN_CLOEXEC = os.O_NONBLOCK, os.O_CLOEXEC
_HEADER_BYTES = 16
# A flush takes 1 ms on a fast disk and 50 ms or more on a card.
AFTER_WRITE_S = (0.0, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.5, 1.0, 2.0)
# Also without a report of inotify: the folder may have been replaced, or is on a network disk.
AT_THE_LATEST_S = 10.0


class JournalWatch:
    """Watches the folder of a journal. For one thread, but `wake` may be called by any."""

    def __init__(self, folder: Path) -> None:
        """Begin to watch; without inotify, or without the folder, only time passes."""
        self._folder = folder
        self._inotify = -1
        self._waker_out, self._waker_in = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._checks_left = len(AFTER_WRITE_S)

    def wait(self, at_most_s: float = AT_THE_LATEST_S) -> None:
        """Return when the journal should be asked: after a write, after `wake`, or in time."""
        self._begin()
        if self._checks_left:
            pause_s = AFTER_WRITE_S[-self._checks_left]
            self._checks_left -= 1
        else:
            pause_s = AT_THE_LATEST_S
        files = [self._waker_out] + ([self._inotify] if self._inotify >= 0 else [])
        ready, _, _ = select.select(files, [], [], min(pause_s, at_most_s))
        if self._waker_out in ready:
            os.read(self._waker_out, 4096)
        if self._inotify in ready and self._journal_was_written():
            self._checks_left = len(AFTER_WRITE_S)

    def wake(self) -> None:
        """End a `wait`."""
        try:
            os.write(self._waker_in, b"x")
        except BlockingIOError:
            return  # already full of wakes

    def close(self) -> None:
        """Stop watching."""
        for descriptor in (self._inotify, self._waker_in, self._waker_out):
            if descriptor >= 0:
                os.close(descriptor)

    def _begin(self) -> None:
        if self._inotify >= 0:
            return
        libc = ctypes.CDLL(None, use_errno=True)
        descriptor = libc.inotify_init1(_IN_NONBLOCK | _IN_CLOEXEC)
        if descriptor < 0:
            return
        events = _IN_MODIFY | _IN_MOVED_TO | _IN_CREATE
        if libc.inotify_add_watch(descriptor, os.fsencode(self._folder), events) < 0:
            os.close(descriptor)
            return
        self._inotify = descriptor

    def _journal_was_written(self) -> bool:
        """Whether one of the reports is about the journal or its WAL."""
        try:
            reports = os.read(self._inotify, 65536)
        except BlockingIOError:
            return False
        found, at = False, 0
        while at + _HEADER_BYTES <= len(reports):
            length = int.from_bytes(reports[at + 12 : at + _HEADER_BYTES], sys.byteorder)
            name = reports[at + _HEADER_BYTES : at + _HEADER_BYTES + length].rstrip(b"\0")
            found = found or name.startswith(FILE_NAME.encode()) or not name
            at += _HEADER_BYTES + length
        return found
