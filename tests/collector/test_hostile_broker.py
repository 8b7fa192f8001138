# SPDX-License-Identifier: Apache-2.0
"""Packets that are none do not end a collector: it goes on with a real broker."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from plategate.collector import subscription
from tests.outbound.conftest import Broker, wait_for

from .conftest import collecting, rows, settings_for
from .postgres import Postgres
from .test_collecting import Gate

ACCEPTED = b"\x20\x03\x00\x00\x00"
BEHAVIOURS = (
    b"",
    b"\xff" * 100,
    b"\x20\x03\x00\x87\x00",  # not authorized
    b"\x20\x7f\x00\x00",
    ACCEPTED + b"\x30\x05\x00\x02\xff\xfe\x00",  # a topic that is not UTF-8
    ACCEPTED + b"\x30\x02\x00\x50",  # a topic beyond the end of the packet
    ACCEPTED + b"\x32\x05\x00\x01a\x00\x07",  # no properties
    ACCEPTED + b"\x90\x04\x00\x01\x00\xee",  # a subscription refused for an unknown reason
    ACCEPTED + b"\x40\x02\xff\xff",
    ACCEPTED + b"\xe0\x03\x8e\x00\x00",  # taken over by another client
)


class HostileThenReal:
    """Answers each of the first connections with one of BEHAVIOURS, then forwards to a broker."""

    def __init__(self, port: int) -> None:
        self._to_port = port
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self.left = list(BEHAVIOURS)
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        for each in [self._server, *self._sockets]:
            each.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._server.accept()
                if self.left:
                    answer = self.left.pop(0)
                    with client, contextlib.suppress(OSError):
                        client.recv(65536)
                        client.sendall(answer)
                        client.settimeout(0.3)
                        client.recv(65536)
                    continue
                server = socket.create_connection(("127.0.0.1", self._to_port))
                self._sockets += [client, server]
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=self._forward, args=pair, daemon=True).start()

    @staticmethod
    def _forward(source: socket.socket, to: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                to.sendall(data)


# paho leaves the socket of a broken connection to be closed by its deletion.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_fail__hostile_packets_do_not_end_the_collector(
    broker: Broker,
    database: Postgres,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(subscription, "FIRST_PAUSE_S", 0.05)
    monkeypatch.setattr(subscription, "LONGEST_PAUSE_S", 0.5)
    hostile = HostileThenReal(broker.port)
    with collecting(settings_for(database, hostile.port)):
        wait_for(
            lambda: not hostile.left,
            "all behaviours",
        )
        gate = Gate(broker.port)
        gate.publish(b"online", "plategate/north/availability", retain=True)
        wait_for(lambda: rows(database, "SELECT gate FROM plategate.gates") == [("north",)])
        gate.events(1)
        wait_for(lambda: rows(database, "SELECT sequence FROM plategate.events") == [(1,)])
        gate.close()
    hostile.close()
    # At least one of them breaks the client itself.
    assert "messages of the broker cannot be read" in caplog.text


def test_ok__a_collector_needs_no_libraries_of_a_gate() -> None:
    """A server has the packages of requirements/collector.in only."""
    needed = Path(__file__).resolve().parents[2] / "requirements" / "collector-py311.txt"
    code = (
        "import sys; import plategate.cli; import plategate.collector.run;"
        "import plategate.collector.migrate; import plategate.collector.status;"
        "import psycopg; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"numpy", "cv2", "httpx", "starlette", "gpiozero", "tesserocr", "cryptography", "PIL"}
    assert not heavy & set(done.stdout.split())
    assert "psycopg-binary==" in needed.read_text()
