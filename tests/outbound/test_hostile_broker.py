# SPDX-License-Identifier: Apache-2.0
"""A hostile broker gets nothing but an error in time: no hang, no crash, no wrong success."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from plategate.errors import DeliveryError
from plategate.outbound import mqtt
from plategate.outbound.message import Message
from plategate.outbound.mqtt import MqttTarget
from plategate.outbound.run import mqtt_site

from .conftest import settings_for, target

ACCEPTED = b"\x20\x02\x00\x00"
MESSAGE = Message("m1", "gate.fault", "2026-03-01T08:00:00+00:00", "gate", "gate", 1, 1, {})


def sending(*parts: bytes) -> Callable[[socket.socket], None]:
    """Send this after the client's first packet, then only read."""

    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        for part in parts:
            connection.sendall(part)
        while connection.recv(65536):
            pass

    return serve


def closing_after(part: bytes) -> Callable[[socket.socket], None]:
    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(part)

    return serve


def dripping(connection: socket.socket) -> None:
    for _ in range(30):
        connection.sendall(b"\x20")
        threading.Event().wait(0.1)


def published(topic: bytes, payload: bytes) -> bytes:
    """A PUBLISH packet with QoS 0."""
    body = len(topic).to_bytes(2, "big") + topic + payload
    length, size = b"", len(body)
    while size > 127:
        length, size = length + bytes([size % 128 | 128]), size // 128
    return b"\x30" + length + bytes([size]) + body


@pytest.mark.parametrize(
    "serve",
    [
        sending(),
        dripping,
        closing_after(b""),
        closing_after(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        closing_after(b"\x15\x03\x01\x00\x02\x02\x28"),
        sending(b"\x00" * 1000),
        sending(b"\xff" * 1000),
        *(sending(b"\x20\x02\x00" + bytes([code])) for code in (1, 2, 3, 4, 5, 6, 99, 255)),
        sending(b"\x20\x7f\x00\x00"),
        sending(b"\x20\x00"),
        sending(b"\x20\xff\xff\xff\xff\x7f"),
        sending(b"\x40\x02\x00\x01"),
        closing_after(ACCEPTED),
        sending(ACCEPTED),
        sending(ACCEPTED, ACCEPTED, ACCEPTED),
        sending(ACCEPTED, b"\x40\x02\x7f\xff" * 1000),
        sending(ACCEPTED, b"\x40\x00"),
        sending(ACCEPTED, b"\x90\x03\x00\x01\x80"),
        sending(ACCEPTED, b"\x50\x02\x00\x01"),
        sending(ACCEPTED, b"\x10\x00"),
        sending(ACCEPTED, b"\xe0\x00"),
        sending(ACCEPTED, published(b"plategate/gate/command", b"x" * 200_000)),
        sending(ACCEPTED, published(b"homeassistant/status", b"online") * 5000),
        sending(ACCEPTED, published(b"plategate/gate/command", b"\xff\x00[[[[") * 500),
        sending(ACCEPTED, b"\x30\x05\xff\xff\x00\x00\x00"),
    ],
)
def test_fail__hostile_broker_gets_nothing_but_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serve: Callable[[socket.socket], None]
) -> None:
    monkeypatch.setattr(mqtt, "CONNECT_WITHIN_S", 0.7)
    monkeypatch.setattr(mqtt, "ACKNOWLEDGED_WITHIN_S", 0.7)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def run() -> None:
            connection, _ = listening.accept()
            with connection:
                try:
                    serve(connection)
                except OSError:
                    return

        thread = threading.Thread(target=run)
        thread.start()
        port = listening.getsockname()[1]
        settings = settings_for(tmp_path, target(port, commands=["open"]))
        site = mqtt_site(settings, settings.outbound.mqtt[0], lambda: 0)
        client = MqttTarget(settings.outbound.mqtt[0], site, lambda: None)
        with pytest.raises(DeliveryError, match=f"127.0.0.1:{port}: ") as caught:
            client.open()
            client.send([MESSAGE])
        assert caught.value.delivered == 0
        client.close()
        thread.join(20)
    assert not thread.is_alive()
