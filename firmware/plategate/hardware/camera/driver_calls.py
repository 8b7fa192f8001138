# SPDX-License-Identifier: Apache-2.0
"""Bounded calls into a camera driver: a timeout, heartbeats while waiting, one abandoned thread.

A driver that hangs in the kernel cannot be interrupted. Its thread is abandoned, and while that
thread is alive no other call is made: hangs never add up to many threads.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeVar

from plategate.errors import CameraError, CameraHangs

T = TypeVar("T")

HEARTBEAT_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class _Abandoned:
    what: str
    thread: threading.Thread
    since_s: float


class DriverCalls:
    """The calls of one camera into its driver. `heartbeat` is called while a call is awaited."""

    def __init__(self) -> None:
        self.heartbeat: Callable[[], None] = lambda: None
        self._abandoned: _Abandoned | None = None

    def call(
        self,
        timeout_s: float,
        what: str,
        action: Callable[[], T],
        late: Callable[[T], None] | None = None,
    ) -> T:
        """Run `action` in a thread and return its result or raise its exception.

        Raises CameraHangs if it takes longer than `timeout_s`, or if an earlier call still hangs. A
        result that arrives after the timeout is passed to `late`, which closes the device.
        """
        self.raise_if_hanging()
        answer: Future[T] = Future()
        lock = threading.Lock()
        timed_out = False

        def run() -> None:
            try:
                result = action()
            except Exception as error:
                answer.set_exception(error)
                return
            except BaseException as error:
                answer.set_exception(CameraError(f"{what} ended with {error!r}"))
                return
            with lock:
                if not timed_out:
                    answer.set_result(result)
                    return
            if late is not None:
                late(result)

        thread = threading.Thread(target=run, name=f"camera: {what}", daemon=True)
        thread.start()
        if self._await(thread, timeout_s):
            return answer.result()
        with lock:
            if answer.done():
                return answer.result()
            timed_out = True
        self._abandoned = _Abandoned(what, thread, time.monotonic())
        raise CameraHangs(f"{what} hangs for more than {timeout_s:g} s")

    def join(self, thread: threading.Thread, timeout_s: float, what: str) -> None:
        """Wait for a thread that uses the driver to end; CameraHangs if it does not."""
        if not self._await(thread, timeout_s):
            self._abandoned = _Abandoned(what, thread, time.monotonic())
            raise CameraHangs(f"{what} hangs for more than {timeout_s:g} s")

    def raise_if_hanging(self) -> None:
        """Raise CameraHangs while an earlier call has not returned."""
        if (abandoned := self._abandoned) is None:
            return
        if abandoned.thread.is_alive():
            hangs_s = time.monotonic() - abandoned.since_s
            raise CameraHangs(f"{abandoned.what} still hangs, {hangs_s:.0f} s after its timeout")
        self._abandoned = None

    def _await(self, thread: threading.Thread, timeout_s: float) -> bool:
        """Whether the thread ends in time."""
        end_s = time.monotonic() + timeout_s
        while True:
            left_s = end_s - time.monotonic()
            thread.join(max(0.0, min(left_s, HEARTBEAT_EVERY_S)))
            if not thread.is_alive():
                return True
            if left_s <= 0:
                return False
            self.heartbeat()
