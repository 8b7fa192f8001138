# SPDX-License-Identifier: Apache-2.0
"""Signal handling of the gate: SIGTERM, SIGINT and SIGQUIT stop it, SIGHUP reloads the settings.

SIGUSR1 and SIGUSR2 have no meaning and are ignored; by default they would end the process.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

STOP = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
IGNORED = (signal.SIGUSR1, signal.SIGUSR2)


def hold_signals() -> None:
    """Hold back SIGHUP until `signals` is entered, and ignore signals without a meaning.

    Called first of all, so that a reload during the start does not end the process.
    """
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})


def release_signals() -> None:
    """Undo `hold_signals`; a SIGHUP that arrived in between ends the process."""
    for number in IGNORED:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})


@contextlib.contextmanager
def signals(stop: Callable[[], None], reload: Callable[[], None]) -> Iterator[None]:
    """Install the handlers, and restore the previous ones at the end; only in the main thread.

    A SIGHUP that was held back reloads at once.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, frame: FrameType | None) -> None:
        del frame
        reload() if number == signal.SIGHUP else stop()

    before = {number: signal.signal(number, handle) for number in (*STOP, signal.SIGHUP)}
    before |= {number: signal.signal(number, signal.SIG_IGN) for number in IGNORED}
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
