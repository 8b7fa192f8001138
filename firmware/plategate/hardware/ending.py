# SPDX-License-Identifier: Apache-2.0
"""Releases the lines of the board when a signal ends a command that uses them.

Python runs no clean-up for SIGTERM, SIGHUP (a lost ssh session) and others, and Ctrl-Z would stop
the timers of a relay that is on. The gate process has handlers of its own (`gate.signals`).
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

ENDING = (
    signal.SIGTERM,
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGALRM,
)
STOPPING = (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)


class OrderlyEnd:
    """While active, the first signal raises SystemExit (128 + number); later ones are ignored."""

    def __init__(self) -> None:
        self._ending = False
        self._before: dict[int, Any] = {}

    def ignore(self) -> None:
        """Ignore signals from now on, so that nothing interrupts the clean-up."""
        self._ending = True

    def _handle(self, number: int, frame: FrameType | None) -> None:
        del frame
        if self._ending:
            return
        self._ending = True
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(128 + number)

    def install(self) -> None:
        """Install the handlers; signals that are ignored (nohup) stay ignored."""
        for number in ENDING:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._handle)
        for number in STOPPING:
            self._before[number] = signal.signal(number, signal.SIG_IGN)

    def restore(self) -> None:
        """Put the previous handlers back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def orderly_end() -> Iterator[OrderlyEnd]:
    """End the block with SystemExit at the first signal; only in the main thread."""
    end = OrderlyEnd()
    if threading.current_thread() is not threading.main_thread():
        yield end
        return
    end.install()
    try:
        yield end
    finally:
        end.restore()
