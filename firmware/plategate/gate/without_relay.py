# SPDX-License-Identifier: Apache-2.0
"""A gate that drives no relay: it claims no line, reports why, and waits for a reload.

It runs while no line is set, and where a gate cannot start: invalid settings without a last good
copy, a line that another process holds, a missing pin library, a journal that cannot be opened. An
exit would be repeated by systemd for ever, and nobody could ask for the reason.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping

from plategate.clock import Clock
from plategate.errors import GateError
from plategate.gate.signals import signals
from plategate.health.monitor import Health

logger = logging.getLogger(__name__)

NO_LINE = "no line is set under [pins], so nothing can open; set them, then reload"
HEALTH_EVERY_S = 0.5
PROBE_EVERY_S = 30.0


class GateWithoutRelay:
    """Waits until it is stopped or asked to reload.

    `failures` are the reasons by their names. `probe` raises GateError while the reason persists;
    once it does not, `run` ends, so that systemd starts the gate.
    """

    def __init__(
        self,
        health: Health,
        main_hang_s: float,
        clock: Clock,
        failures: Mapping[str, str],
        probe: Callable[[], None] | None = None,
    ) -> None:
        self._health = health
        self._main_hang_s = main_hang_s
        self._clock = clock
        self._failures = failures
        self._probe = probe
        self._probe_s = clock.monotonic() + PROBE_EVERY_S
        self._over = threading.Event()

    def stop(self) -> None:
        """End `run`; callable from any thread and from a signal handler."""
        self._over.set()

    def run(self) -> None:
        """Wait for a stop signal, SIGHUP, or the end of the reason; all need a restart."""
        with signals(self.stop, self.stop):
            for name, sentence in self._failures.items():
                self._health.failing(name, sentence)
            self._health.watch("main", self._main_hang_s)
            self._health.ready()
            while not self._over.wait(HEALTH_EVERY_S):
                self._health.beat("main")
                self._health.check()
                if self._can_start():
                    break
            self._health.stopping()

    def _can_start(self) -> bool:
        if self._probe is None or self._clock.monotonic() < self._probe_s:
            return False
        self._probe_s = self._clock.monotonic() + PROBE_EVERY_S
        try:
            self._probe()
        except GateError:
            return False
        logger.warning("the cause is gone; exiting, so that systemd starts the gate again")
        return True
