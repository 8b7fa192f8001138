# SPDX-License-Identifier: Apache-2.0
"""Do something that may hang, and give up waiting for it after a while.

Camera drivers hang inside the kernel; a thread that does so cannot be ended, only left behind.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from plategate.errors import CameraError

T = TypeVar("T")


def within(
    seconds: float, what: str, action: Callable[[], T], late: Callable[[T], None] | None = None
) -> T:
    """What `action` returns or raises; CameraError when it takes longer than `seconds`.

    What it returns after that is given to `late`, so that a device opened too late is closed.
    """
    answer: Future[T] = Future()
    lock = threading.Lock()
    given_up = False

    def run() -> None:
        try:
            result = action()
        except Exception as error:
            answer.set_exception(error)
            return
        with lock:
            if not given_up:
                answer.set_result(result)
                return
        if late is not None:
            late(result)

    threading.Thread(target=run, name=f"patience: {what}", daemon=True).start()
    try:
        return answer.result(seconds)
    except TimeoutError:
        with lock:
            if answer.done():
                return answer.result()
            given_up = True
    raise CameraError(f"{what} hangs for more than {seconds:g} s")
