# SPDX-License-Identifier: Apache-2.0
"""Many gates in one process, each with its journal, its positions and its MQTT connection.

They run the code of plategate-outbound: journal, backlog, delivery, MQTT target, replay. Only the
watch on the journal's files is left out (the kernel allows 128 of them a user): whoever stores an
event wakes the delivery.
"""

from __future__ import annotations

import os
import resource
import select
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho

from plategate.clock import SystemClock
from plategate.health.monitor import Health
from plategate.journal import open_journal
from plategate.journal.reader import JournalReader
from plategate.outbound import delivery
from plategate.outbound.backlog import Backlog
from plategate.outbound.delivery import Delivery
from plategate.outbound.message import MessageMaker
from plategate.outbound.mqtt import MqttTarget
from plategate.outbound.positions import Positions
from plategate.outbound.replay import Replay
from plategate.outbound.run import mqtt_site
from tests.outbound.conftest import a_passage, settings_for, target

FILES_A_GATE = 18


class PollingSelect:
    """select(2) has no files beyond 1023; paho gets the same answers from poll(2)."""

    error = OSError

    @staticmethod
    def select(
        readable: Sequence[Any], writable: Sequence[Any], _: Sequence[Any], timeout_s: float
    ) -> tuple[list[Any], list[Any], list[Any]]:
        poller = select.poll()
        masks: dict[int, int] = {}
        for files, mask in ((readable, select.POLLIN), (writable, select.POLLOUT)):
            for file in files:
                number = file if isinstance(file, int) else file.fileno()
                if number < 0:
                    raise ValueError("closed")
                masks[number] = masks.get(number, 0) | mask
        for number, mask in masks.items():
            poller.register(number, mask)
        found = dict(poller.poll(timeout_s * 1000))

        def ready(files: Sequence[Any], mask: int) -> list[Any]:
            ended = select.POLLHUP | select.POLLERR
            numbers = ((f if isinstance(f, int) else f.fileno(), f) for f in files)
            return [file for n, file in numbers if found.get(n, 0) & (mask | ended)]

        return ready(readable, select.POLLIN), ready(writable, select.POLLOUT), []


class SimulatedGate:
    """One gate; `made` are the numbers of its events with the time when each was stored."""

    def __init__(
        self, folder: Path, name: str, port: int, health: Health, state_every_s: float
    ) -> None:
        (folder / "journal").mkdir(parents=True)
        options = {"name": name, "fleet": True, "home_assistant": False}
        options |= {"state_every_s": state_every_s}
        settings = settings_for(folder, target(port, **options), gate=name)
        (folder / "outbound").mkdir()
        mqtt = settings.outbound.mqtt[0]
        self.name = name
        self.made: dict[int, float] = {}
        self._journal = open_journal(settings.journal)
        self._positions = Positions(folder / "outbound")
        maker = MessageMaker(name, mqtt, b"k" * 32, mqtt.events)
        awake = threading.Event()
        site = mqtt_site(settings, mqtt, lambda: 0, lambda: self._positions.get(name))
        replay = Replay(JournalReader(settings.journal.dir), maker, mqtt.replay_per_minute)
        client = MqttTarget(mqtt, site, awake.set, replay=replay)
        reader = JournalReader(settings.journal.dir)
        backlog = Backlog(reader, maker, settings.outbound.backlog_max)
        self.identity = f"{reader.identity():08x}"
        self._reader = reader
        self._delivery = Delivery(client, backlog, self._positions, health, awake)

    def start(self) -> None:
        """Connect from a thread of its own."""
        self._delivery.start()

    @property
    def is_ready(self) -> bool:
        """Whether it has a position: what happens from now on is delivered."""
        return self._positions.get(self.name) is not None

    def store_a_passage(self) -> None:
        """Store one passage in the journal, and wake the delivery."""
        number = len(self.made) + 1
        passage = a_passage(number, f"AB{number:05d}")
        self._journal.record(replace(passage, triggered_at=datetime.now(UTC)))
        self.made[number] = time.time()
        self._delivery.wake()

    def stop(self) -> None:
        """Ask the delivery to end."""
        self._delivery.stop()

    def close(self) -> None:
        """Wait for the end, and close the files."""
        self._delivery.join(10)
        self._positions.close()
        self._reader.close()
        self._journal.close()


class SimulatedFleet:
    """All gates; `first_pause_s` is the first pause of a gate that lost its broker.

    A hundred gates and more publish their state once a minute, fewer every five seconds.
    """

    def __init__(self, folder: Path, port: int, gates: int, first_pause_s: float) -> None:
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = min(hard, 1000 + FILES_A_GATE * gates)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        # A thread's stack is reserved, not used; thousands of 8 MB are refused on small machines.
        threading.stack_size(512 * 1024)
        delivery.FIRST_PAUSE_S = first_pause_s
        paho.select = PollingSelect  # type: ignore[attr-defined]
        health = Health(SystemClock(), lambda _: None)
        every_s = 60 if gates >= 100 else 5
        self.gates = [
            SimulatedGate(folder / f"g{number:04d}", f"g{number:04d}", port, health, every_s)
            for number in range(gates)
        ]

    def start(self) -> None:
        """Connect all, and wait until each has its position."""
        for gate in self.gates:
            gate.start()
        while not all(gate.is_ready for gate in self.gates):
            time.sleep(0.1)

    def close(self) -> None:
        """Stop all in order."""
        for gate in self.gates:
            gate.stop()
        for gate in self.gates:
            gate.close()

    @property
    def made(self) -> dict[tuple[str, str, int], float]:
        """Gate, journal and number of every stored event, with its time."""
        return {
            (gate.name, gate.identity, number): at
            for gate in self.gates
            for number, at in gate.made.items()
        }


def memory_folder() -> Path | None:
    """Where a thousand journals do not wait for a disk that they share; None: the usual place."""
    folder = Path("/dev/shm")
    return folder if os.access(folder, os.W_OK) else None
