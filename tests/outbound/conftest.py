# SPDX-License-Identifier: Apache-2.0
"""A real Mosquitto for each test, a listener at it, and a journal with events to send."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from plategate.clock import SystemClock
from plategate.health.monitor import Health
from plategate.journal import Journal, open_journal
from plategate.outbound.run import OutboundProcess
from plategate.settings import Settings
from plategate.values import (
    CharacterReading,
    GateEvent,
    ListEntry,
    Passage,
    PlateReading,
    Reason,
    Result,
    Verdict,
)

from .receivers import MailServer, PushServer

AT = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
PLATE = "SECRET77"
WITHIN_S = 20.0  # far longer than anything takes, so that a busy machine fails no test


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def wait_for(condition: Callable[[], Any], what: str = "what the test waits for") -> Any:
    """The first true value of `condition`."""
    deadline = time.monotonic() + WITHIN_S
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.02)
    return found


class Stoppable(Protocol):
    """What runs until it is stopped by another thread."""

    def run(self) -> None: ...

    def stop(self) -> None: ...


class Broker:
    """Mosquitto on a free port; `lines` are added to its configuration."""

    def __init__(self, folder: Path, *lines: str) -> None:
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        head = [f"listener {self.port} 127.0.0.1", "persistence true", "user root"]
        head += [f"persistence_location {folder}/", "max_queued_messages 0"]
        lines = lines or ("allow_anonymous true",)
        self._config.write_text("\n".join([*head, *lines]) + "\n")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin")
        assert program, "mosquitto is not installed"
        self._process = subprocess.Popen(
            [program, "-c", str(self._config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(self._answers, "the start of mosquitto")

    def stop(self) -> None:
        """Stop in order: what it has acknowledged is stored for listeners that return."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    @property
    def pid(self) -> int | None:
        """The running process."""
        return self._process and self._process.pid

    def kill(self) -> None:
        """SIGKILL: what it has acknowledged since its last save is lost."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def start_if_killed(self) -> None:
        if self._process is None:
            self.start()

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class Listener:
    """Subscribes to everything; the broker keeps messages for it while it is not connected."""

    def __init__(self, port: int, prepare: Callable[[paho.Client], None] = lambda _: None) -> None:
        self.received: list[tuple[str, bytes, bool]] = []
        self.subscribed = threading.Event()
        self.client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id="listener", clean_session=False
        )
        self.client.reconnect_delay_set(1, 1)
        prepare(self.client)
        self.client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        self.client.on_subscribe = lambda *_: self.subscribed.set()
        self.client.on_message = lambda _, __, message: self.received.append(
            (message.topic, message.payload, message.retain)
        )
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert self.subscribed.wait(WITHIN_S)

    def on(self, topic: str) -> list[bytes]:
        return [payload for name, payload, _ in list(self.received) if name == topic]

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()
        # paho closes its sockets when it is deleted, which must not wait for the garbage collector.
        self.client.on_subscribe = self.client.on_message = None


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path)
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def listener(broker: Broker) -> Iterator[Listener]:
    listener = Listener(broker.port)
    yield listener
    listener.close()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    folder = tmp_path / "journal"
    folder.mkdir()
    journal = open_journal(settings_for(tmp_path).journal)
    yield journal
    journal.close()


def settings_for(folder: Path, *targets: dict[str, Any], **outbound: Any) -> Settings:
    """Settings with the journal, sockets and outbound state below `folder`."""
    return Settings.model_validate(
        {
            "journal": {"dir": folder / "journal", "min_free_mb": 10},
            "health": {"socket": folder / "status.sock"},
            "commands": {"socket": folder / "command.sock"},
            "outbound": {"state_dir": folder / "outbound", "mqtt": targets} | outbound,
        }
    )


def target(port: int, **options: Any) -> dict[str, Any]:
    return {"name": "broker", "host": "127.0.0.1", "port": port, "tls": False} | options


@contextmanager
def in_thread(process: Stoppable) -> Iterator[None]:
    """`process.run` in a thread, stopped in order at the end."""
    thread = threading.Thread(target=process.run)
    thread.start()
    try:
        yield
    finally:
        process.stop()
        thread.join(WITHIN_S)
        assert not thread.is_alive()


@contextmanager
def running(settings: Settings) -> Iterator[OutboundProcess]:
    """The outbound process in a thread."""
    process = OutboundProcess(settings, Health(SystemClock(), lambda _: None))
    with in_thread(process):
        yield process


def a_passage(number: int, plate: str = PLATE) -> Passage:
    entry = ListEntry(plate, holder="Secret Holder", group="staff", note="Secret note")
    verdict = Verdict(Result.GRANTED, Reason.ALLOWED, plate=plate, entry=entry)
    reading = PlateReading(tuple(CharacterReading(c, 0.9) for c in plate), "consensus")
    return Passage(
        f"p{number}", "gate", AT, "beam", verdict, reading, milliseconds=(("total", 812.5),)
    )


def an_event(what: str, detail: str = "") -> GateEvent:
    return GateEvent(f"e-{what}", "gate", AT, what, None, detail)


@pytest.fixture
def mail() -> Iterator[MailServer]:
    server = MailServer()
    yield server
    server.stop()


@pytest.fixture
def push() -> Iterator[PushServer]:
    server = PushServer()
    yield server
    server.stop()
