# SPDX-License-Identifier: Apache-2.0
"""A hostile web server gets nothing but a refusal; wrong secrets and addresses are named."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from plategate.errors import SettingsError
from plategate.outbound.webhook_request import post, read_secrets
from plategate.settings.outbound import WebhookSettings


def silent(connection: socket.socket) -> None:
    threading.Event().wait(3)


def drip(connection: socket.socket) -> None:
    for _ in range(40):
        connection.sendall(b"H")
        threading.Event().wait(0.1)


def continuing(connection: socket.socket) -> None:
    connection.recv(65536)
    for _ in range(40):
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        threading.Event().wait(0.1)


def drip_headers(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for number in range(40):
        connection.sendall(b"X-%d: y\r\n" % number)
        threading.Event().wait(0.1)


def resetting(connection: socket.socket) -> None:
    """End with a reset in the middle of the answer."""
    connection.sendall(b"HTTP/1.1 20")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def closing_unread(connection: socket.socket) -> None:
    """Close before the request is read."""


def answering(*parts: bytes) -> Callable[[socket.socket], None]:
    def answer(connection: socket.socket) -> None:
        connection.recv(65536)
        for part in parts:
            connection.sendall(part)

    return answer


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "behave",
    [
        silent,
        drip,
        answering(b""),
        answering(b"SSH-2.0-OpenSSH_9.2\r\n"),
        answering(b"HTTP/1.1 abc OK\r\n\r\n"),
        answering(b"HTTP/1.1 99999 OK\r\n\r\n"),
        answering(b"HTTP/1.1 -200 OK\r\n\r\n"),
        answering(b"HTTP/1.1 301 Moved\r\nLocation: http://169.254.169.254/\r\n\r\n"),
        answering(b"HTTP/1.1 307 Moved\r\nLocation: file:///etc/passwd\r\n\r\n"),
        answering(b"HTTP/1.1 200" + b" " * 100_000),
        answering(OK + b"X: y\r\n" * 1000 + b"\r\n"),
        answering(OK + b"X: " + b"y" * 100_000 + b"\r\n\r\n"),
        answering(b"\x00" * 1000),
        answering(b"HTTP/1.1 100 Continue\r\n\r\n" * 3),
        answering(b"HTTP/1.1 503 x\r\nRetry-After: " + b"9" * 5000 + b"\r\n\r\n"),
        answering(b"HTTP/1.1 503 x\r\nRetry-After: Mon, 99 Foo 2026\r\n\r\n"),
        answering(b"HTTP/1.1 503 x\r\nRetry-After: -5\r\n\r\n"),
        answering(b"HTTP/1.1 503 \x1b[31mred\r\n\r\n"),
        continuing,
        resetting,
        closing_unread,
        drip_headers,
        answering(b"\x15\x03\x01\x00\x02\x02\x28"),  # an alert of TLS
        answering(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + b"\x00" * 18),  # HTTP/2
        answering(b"\x20\x02\x00\x00"),  # MQTT
        answering(b"ICY 200 OK\r\n\r\n"),
        answering(b"HTTP/9.9 200 OK\r\n\r\n"),
        answering(b"HTTP/1.1 2OO OK\r\n\r\n"),
        answering(b"HTTP/1.1 \xb2\xb0\xb0 OK\r\n\r\n"),
        answering(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"),
        answering(b"HTTP/1.1 401 x\r\nWWW-Authenticate: Basic\r\n\r\n"),
        answering(b"HTTP/1.1 503 x\r\nRetry-After: \xb2\r\n\r\n"),
        answering(b"HTTP/1.1 503 x\r\nRetry-After: Fri, 31 Dec 9999 23:59:59 -2359\r\n\r\n"),
        answering(b"HTTP/1.1 503 x\r\nRetry-After: Mon, 01 Jan 0001 00:00:00 +2359\r\n\r\n"),
        answering(b"HTTP/1.1 503 x\r\nRetry-After: 1\r\nRetry-After: 2\r\n\r\n"),
        answering(b"HTTP/1.1 503 x\r\nContent-Length: -1\r\n\r\n" + b"x" * 100_000),
    ],
)
def test_fail__hostile_server_gets_nothing_but_a_refusal(
    behave: Callable[[socket.socket], None],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                try:
                    behave(connection)
                except OSError:
                    return

        thread = threading.Thread(target=serve)
        thread.start()
        settings = WebhookSettings(
            name="hook",
            url=f"http://127.0.0.1:{listening.getsockname()[1]}/",
            allow_http=True,
            secret_files=(Path("/x"),),
            timeout_s=1,
        )
        refusal = post(settings, b"{}", {})
        thread.join()
    assert refusal is not None
    assert refusal.sentence.isprintable()
    assert 0 <= (refusal.retry_after_s or 0) <= 86_400


@pytest.mark.parametrize(
    "secret", ["", "secret", "whsec_", "whsec_!!", "whsec_" + "QUJD", "c2VjcmV0" * 6]
)
def test_fail__file_without_a_secret_is_named(tmp_path: Path, secret: str) -> None:
    file = tmp_path / "secret"
    file.write_text(secret)
    with pytest.raises(SettingsError, match=str(file)):
        read_secrets([file])


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "ftp://example.org/",
        "https://",
        "https://user:secret@example.org/",
        "https://example.org/#part",
        "https://example.org:0/",
        "https://example.org:99999/",
        "https://example.org/a b",
        "https://example.org/\r\nX: y",
        "/path",
    ],
)
def test_fail__address_that_cannot_be_asked(url: str) -> None:
    with pytest.raises(ValueError, match="url"):
        WebhookSettings(name="hook", url=url, secret_files=(Path("/x"),))
