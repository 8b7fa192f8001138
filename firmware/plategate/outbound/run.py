# SPDX-License-Identifier: Apache-2.0
"""The outbound process: a thread for each target; the main thread watches the journal."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import Any

from plategate.clock import SystemClock
from plategate.errors import StoreError, reason_of
from plategate.health.gate_state import gate_state, gate_status
from plategate.health.monitor import Health, systemd_health
from plategate.journal.reader import JournalReader
from plategate.journal.watch import AT_THE_LATEST_S, JournalWatch
from plategate.outbound.backlog import PAGE, Backlog
from plategate.outbound.chain_watch import PAUSE_S, ChainWatch, Finding
from plategate.outbound.dead_letters import DeadLetter, DeadLetters
from plategate.outbound.delivery import Delivery
from plategate.outbound.message import Message, MessageMaker, picture_file, plate_picture
from plategate.outbound.mqtt import MqttTarget
from plategate.outbound.mqtt_site import MqttSite
from plategate.outbound.notifications.causes import wanted_types
from plategate.outbound.notifications.memory import Memory, ledger_file
from plategate.outbound.notifications.target import NotificationTarget
from plategate.outbound.notifications.texts import Texts
from plategate.outbound.positions import Position, Positions
from plategate.outbound.remote_commands import CommandRelay
from plategate.outbound.replay import Replay
from plategate.outbound.webhook import WebhookTarget
from plategate.plate_data.hashing import plate_key
from plategate.schedule.zone import site_zone
from plategate.settings import Settings
from plategate.settings.outbound import (
    MqttSettings,
    NotificationSettings,
    TargetSettings,
    WebhookSettings,
)

log = logging.getLogger(__name__)

END_WITHIN_S = 5.0
# One after the other, each with a time limit.
WEBHOOK_PAGE = 5
NOTIFICATION_PAGE = 200


class OutboundProcess:
    """Delivers events to all targets of the settings until it is stopped."""

    def __init__(self, settings: Settings, health: Health) -> None:
        """Open the state; raises SettingsError or StoreError where that is not possible."""
        self._settings = settings
        outbound = settings.outbound
        make_folder(outbound.state_dir)
        key = plate_key(outbound.plate_key_file, outbound.state_dir)
        self._health = health
        self._reader = JournalReader(settings.journal.dir)
        self._chain = ChainWatch(self._reader, outbound.state_dir)
        self._unchecked = True  # events whose hashes are still to be checked
        self._newest: tuple[int, int] | None = None  # identity of the journal, sequence number
        self._watch = JournalWatch(settings.journal.dir)
        self._positions = Positions(outbound.state_dir)
        self._stopping = threading.Event()
        self._letters = DeadLetters(outbound.state_dir)
        self._deliveries = [
            *(self._mqtt(target, key) for target in outbound.mqtt),
            *(self._webhook(target, key) for target in outbound.webhooks),
            *(self._notification(target, key) for target in outbound.notifications),
        ]

    def run(self) -> None:
        """Deliver until `stop` is called."""
        for delivery in self._deliveries:
            delivery.start()
        self._health.ready()
        try:
            while not self._stopping.is_set():
                self._watch.wait(PAUSE_S if self._unchecked else AT_THE_LATEST_S)
                self._wake_targets()
                self._health.check()
        finally:
            self._health.stopping()
            self._close()

    def stop(self) -> None:
        """End `run`; may be called by any thread and by a signal handler."""
        self._stopping.set()
        self._watch.wake()

    def _wake_targets(self) -> None:
        """Wake the targets if the journal has something new, and check its hash chain."""
        try:
            newest = self._reader.identity(), self._reader.newest_sequence()
        except StoreError as error:
            self._health.failing("journal", str(error))
            return
        self._health.recovered("journal")
        if newest != self._newest:
            self._newest = newest
            for delivery in self._deliveries:
                delivery.wake()
        self._check_chain()

    def _check_chain(self) -> None:
        """Check the next events, after the targets were woken for them."""
        known = len(self._chain.findings)
        try:
            self._unchecked = self._chain.check()
        except StoreError as error:
            self._unchecked = False
            self._health.failing("chain", str(error))
            return
        self._health.recovered("chain")
        if len(self._chain.findings) > known:
            for delivery in self._deliveries:
                delivery.wake()

    def _close(self) -> None:
        for delivery in self._deliveries:
            delivery.stop()
        for delivery in self._deliveries:
            delivery.join(END_WITHIN_S)
        self._positions.close()
        self._letters.close()
        self._chain.close()
        self._reader.close()
        self._watch.close()

    def _mqtt(self, target: MqttSettings, key: bytes) -> Delivery:
        awake = threading.Event()
        site = mqtt_site(
            self._settings,
            target,
            lambda: self._behind(target.name),
            lambda: self._positions.get(target.name),
        )
        client = MqttTarget(target, site, awake.set, replay=self._replay(target, key))
        backlog = self._backlog(target, key, PAGE, target.events)
        return Delivery(client, backlog, self._positions, self._health, awake)

    def _webhook(self, target: WebhookSettings, key: bytes) -> Delivery:
        backlog = self._backlog(target, key, WEBHOOK_PAGE, target.events)
        client = webhook_target(
            self._settings,
            target,
            self._letters,
            lambda letter: backlog.message_again(letter.journal, letter.sequence),
        )
        return Delivery(client, backlog, self._positions, self._health, threading.Event())

    def _replay(self, target: MqttSettings, key: bytes) -> Replay | None:
        if not target.fleet:
            return None
        maker = MessageMaker(self._settings.outbound.gate, target, key, target.events)
        reader = JournalReader(self._settings.journal.dir)
        return Replay(reader, maker, target.replay_per_minute)

    def _notification(self, target: NotificationSettings, key: bytes) -> Delivery:
        types = wanted_types(target.causes)
        backlog = self._backlog(target, key, NOTIFICATION_PAGE, types)
        client = notification_target(
            self._settings, target, backlog.message_again, lambda: self._chain.findings
        )
        return Delivery(client, backlog, self._positions, self._health, threading.Event())

    def _backlog(
        self, target: TargetSettings, key: bytes, page: int, events: tuple[str, ...]
    ) -> Backlog:
        outbound = self._settings.outbound
        maker = MessageMaker(outbound.gate, target, key, events)
        reader = JournalReader(self._settings.journal.dir)
        return Backlog(reader, maker, outbound.backlog_max, page)

    def _behind(self, name: str) -> int:
        """How many events a target has not got yet."""
        position = self._positions.get(name)
        if position is None or self._newest is None or self._newest[0] != position.journal:
            return 0
        return max(0, self._newest[1] - position.sequence)


def run_outbound(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT; ends at once where no target is set."""
    health = systemd_health(SystemClock())
    if not settings.outbound.targets:
        log.warning("no targets in the settings: nothing to send (see docs/integrator/mqtt.md)")
        health.ready()  # without it systemd takes the end for a failed start, and starts it again
        return
    process = OutboundProcess(settings, health)

    def end(number: int, frame: FrameType | None) -> None:
        del number, frame
        process.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    process.run()


def mqtt_site(
    settings: Settings,
    target: MqttSettings,
    behind: Callable[[], int],
    position: Callable[[], Position | None] = lambda: None,
) -> MqttSite:
    """The topics of this gate at a broker.

    `behind` counts the events that the broker has not got yet; `position` is the newest that it
    has.
    """

    def state() -> dict[str, Any]:
        found = gate_state(settings.health.socket, behind)
        reached = position() if target.fleet else None
        if reached is not None:
            found |= {"journal": f"{reached.journal:08x}", "sequence": reached.sequence}
        return found

    return MqttSite(
        target,
        settings.outbound.gate,
        version("plategate"),
        state,
        CommandRelay(settings.commands.socket, target.commands, target.host),
        settings.journal.dir,
    )


def webhook_target(
    settings: Settings,
    target: WebhookSettings,
    letters: DeadLetters,
    again: Callable[[DeadLetter], Message | None],
) -> WebhookTarget:
    """A web server as target; `again` makes the message of a dead letter."""
    pictures = settings.journal.dir
    return WebhookTarget(target, letters, again, lambda message: plate_picture(message, pictures))


def notification_target(
    settings: Settings,
    target: NotificationSettings,
    again: Callable[[int, int], Message | None],
    findings: Callable[[], Sequence[Finding]],
) -> NotificationTarget:
    """A person as target; `again` reads an event of the journal once more."""
    outbound, pictures = settings.outbound, settings.journal.dir
    return NotificationTarget(
        target,
        Texts(target.language, outbound.gate, site_zone(settings.access.zone)),
        Memory(ledger_file(outbound.state_dir, target.name), target.causes),
        again,
        lambda passage: picture_file(passage, pictures),
        lambda: gate_status(settings.health.socket),
        findings,
    )


def make_folder(folder: Path) -> None:
    """Create the state folder where it is missing."""
    try:
        folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{folder} cannot be created: {reason_of(error)}") from error
