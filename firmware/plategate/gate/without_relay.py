# SPDX-License-Identifier: Apache-2.0
"""A gate for which no line is set yet: it claims nothing, moves nothing, and says what it lacks.

So a fresh installation comes up, answers `plategate status`, and starts anew at the first reload.
"""

from __future__ import annotations

import threading

from plategate.gate.signals import signals
from plategate.health.monitor import Health

SENTENCE = "no line is set under [pins], so nothing can open; set them, then reload"
TEND_EVERY_S = 0.5


class GateWithoutRelay:
    """Waits until it is told to stop, or to read its settings again."""

    def __init__(self, health: Health, main_hang_s: float) -> None:
        self._health = health
        self._main_hang_s = main_hang_s
        self._over = threading.Event()

    def stop(self) -> None:
        """Let `run` end; from any thread and from a signal handler."""
        self._over.set()

    def run(self) -> None:
        """Wait for `stop`, SIGTERM, SIGINT, or SIGHUP: new settings need a new start."""
        with signals(self.stop, self.stop):
            self._health.failing("wiring", SENTENCE)
            self._health.watch("main", self._main_hang_s)
            self._health.ready()
            while not self._over.wait(TEND_EVERY_S):
                self._health.beat("main")
                self._health.tend()
            self._health.stopping()
