# SPDX-License-Identifier: Apache-2.0
"""The collector process: batches from the broker to the database, acknowledged after the commit.

It keeps nothing: what is not in the database is at the broker, or in the journal of a gate. Any
number of collectors may run at the same time.
"""

from __future__ import annotations

import logging
import random
import signal
import threading
import time
from types import FrameType

from plategate.clock import SystemClock
from plategate.collector.received import ProbeMessage, parsed
from plategate.collector.settings import CollectorSettings
from plategate.collector.subscription import Received, Subscription
from plategate.collector.writer import Writer
from plategate.errors import StoreError
from plategate.health.monitor import Health, systemd_health
from plategate.replay import TOPIC as REPLAY

log = logging.getLogger(__name__)

THREAD = "writer"
HANGS_AFTER_S = 120.0
IDLE_S = 1.0
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
TIDY_EVERY_S = 3600.0


class Collector:
    """One collector; `run` returns after `stop`."""

    def __init__(self, settings: CollectorSettings, health: Health) -> None:
        """Connect to nothing yet; raises SettingsError for a file that is not usable."""
        self._settings = settings
        self._health = health
        self._stopping = threading.Event()
        self._writer = Writer(settings.database)
        self._subscription = Subscription(
            settings, lambda sentence: health.set_failure("broker", sentence)
        )
        self._tidy_at_s = 0.0
        self._gaps_at_s = 0.0
        self.events = 0  # written since the start, repeats included

    def run(self) -> None:
        """Write until `stop` is called."""
        self._health.watch(THREAD, HANGS_AFTER_S)
        self._subscription.start()
        self._health.ready()
        try:
            while not self._stopping.is_set():
                writing = self._settings.writing
                batch = self._subscription.batch(
                    writing.batch_max, writing.batch_wait_ms / 1000, IDLE_S
                )
                if batch:
                    self._write(batch)
                self._do_what_is_due()
                self._beat()
        finally:
            self._health.stopping()
            self._subscription.close()
            self._writer.close()

    def stop(self) -> None:
        """End `run`; may be called by any thread and by a signal handler."""
        self._stopping.set()

    def is_subscribed(self) -> bool:
        """Whether the broker has taken the subscriptions: it keeps what comes from then on."""
        return self._subscription.is_subscribed.is_set()

    def _write(self, batch: list[Received]) -> None:
        """Write a batch, however often that takes, and acknowledge it."""
        messages = [parsed(each.topic, each.payload) for each in batch]
        for message in messages:
            if isinstance(message, ProbeMessage):
                log.info("test message of gate %s", message.gate)
        pause_s = FIRST_PAUSE_S
        while not self._stopping.is_set():
            try:
                written = self._writer.write(messages)
            except StoreError as error:
                self._health.failing("database", str(error))
                self._wait(pause_s * random.uniform(0.5, 1.0))
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
                continue
            self._health.recovered("database")
            self._subscription.acknowledge(batch)
            self.events += written.events
            return

    def _do_what_is_due(self) -> None:
        """Tidy the database, and ask gates for what is missing."""
        now_s = time.monotonic()
        tidies = now_s >= self._tidy_at_s
        asks = now_s >= self._gaps_at_s and self._subscription.is_connected
        if not tidies and not asks:
            return
        try:
            if tidies:
                self._tidy_at_s = now_s + LONGEST_PAUSE_S
                for line in self._writer.tidy():
                    log.info("%s", line)
                self._tidy_at_s = now_s + TIDY_EVERY_S
            if asks:
                self._gaps_at_s = now_s + min(self._settings.gaps.ask_after_s, LONGEST_PAUSE_S)
                self._ask()
        except StoreError as error:
            self._health.failing("database", str(error))
        else:
            self._health.recovered("database")

    def _ask(self) -> None:
        settings = self._settings
        if not settings.gaps.ask:
            return
        for each in self._writer.overdue_requests(settings.gaps):
            topic = f"{settings.broker.topic}/{each.gate}/{REPLAY}"
            self._subscription.publish(topic, each.request.encoded())
            log.warning("%s: asked for missing events %s", each.gate, each.request.ranges[:3])

    def _wait(self, pause_s: float) -> None:
        deadline_s = time.monotonic() + pause_s
        while (left_s := deadline_s - time.monotonic()) > 0:
            if self._stopping.wait(min(left_s, IDLE_S)):
                return
            self._beat()

    def _beat(self) -> None:
        self._health.beat(THREAD)
        self._health.check()


def run_collector(settings: CollectorSettings) -> None:
    """Run until SIGTERM or SIGINT."""
    collector = Collector(settings, systemd_health(SystemClock()))

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        collector.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    collector.run()
