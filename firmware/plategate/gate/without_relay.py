# SPDX-License-Identifier: Apache-2.0
"""A gate that drives no relay: it claims no line and reports why.

A fresh installation therefore starts, answers `plategate status`, and restarts at the first reload.
"""

from __future__ import annotations

import threading

from plategate.gate.signals import signals
from plategate.health.monitor import Health

NO_LINE = "no line is set under [pins], so nothing can open; set them, then reload"
HEALTH_EVERY_S = 0.5


class GateWithoutRelay:
    """Waits until it is stopped or asked to reload."""

    def __init__(self, health: Health, main_hang_s: float) -> None:
        self._health = health
        self._main_hang_s = main_hang_s
        self._over = threading.Event()

    def stop(self) -> None:
        """End `run`; callable from any thread and from a signal handler."""
        self._over.set()

    def run(self) -> None:
        """Wait for `stop`, SIGTERM, SIGINT or SIGHUP; new settings need a restart."""
        with signals(self.stop, self.stop):
            self._health.failing("wiring", NO_LINE)
            self._health.watch("main", self._main_hang_s)
            self._health.ready()
            while not self._over.wait(HEALTH_EVERY_S):
                self._health.beat("main")
                self._health.check()
            self._health.stopping()
