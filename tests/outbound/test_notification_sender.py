# SPDX-License-Identifier: Apache-2.0
"""A notification that cannot be sent: the reason is named, secrets are not, and time is bounded."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from plategate.errors import DeliveryError
from plategate.outbound.notifications import sender

from .receivers import PushServer


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("", "has no address"),
        ("mailto:gate:Passw0rd@host", "Apprise does not accept address 1: "),
        ("mailto://gate:Passw0rd@host", "Apprise does not accept address 1: "),
        ("ftp://user:Passw0rd@host/", "Apprise does not accept address 1: "),
        (
            "mailto://gate:Passw0rd@127.0.0.1:1/?to=anna@example.org&from=gate@example.org",
            "refused",
        ),
        ("json://gate:Passw0rd@127.0.0.1:1/topsecret", "refused"),
        ("tgram://123456789:AAPassw0rdPassw0rdPassw0rdPassw0rd/12345?verify=no", "."),
    ],
)
def test_fail__an_error_names_the_reason_and_no_secret(
    tmp_path: Path, address: str, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "address"
    file.write_text(address)
    with pytest.raises(DeliveryError) as caught:
        sender.notify(file, 20, "title", "body")
    assert sentence in str(caught.value)
    for text in (str(caught.value), caplog.text):
        assert "assw0rd" not in text
        assert "topsecret" not in text


def test_fail__missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match=f"{tmp_path}/missing: cannot be read: No such file"):
        sender.notify(tmp_path / "missing", 20, "title", "body")


def test_fail__service_that_does_not_answer_is_ended(tmp_path: Path, push: PushServer) -> None:
    push.hold.clear()
    file = tmp_path / "address"
    file.write_text(push.address + "?rto=60&cto=60")
    with pytest.raises(DeliveryError, match="ended with status -14"):
        sender.notify(file, 2, "title", "body")


def endless(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        connection.sendall(b"x" * 1_000_000)


def answering(answer: bytes) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(answer)


@pytest.mark.parametrize(
    "behave",
    [
        endless,
        answering(b""),
        answering(b"SSH-2.0-OpenSSH_9.2\r\n"),
        answering(b"\x00" * 1000),
        answering(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n"),
        answering(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nnot gzip"),
        answering(b"HTTP/1.1 500 \x1b[31m topsecret\r\n\r\n"),
        answering(b"HTTP/1.1 307 x\r\nLocation: file:///etc/passwd\r\n\r\n"),
    ],
)
def test_fail__hostile_service_gets_nothing_but_an_error(
    tmp_path: Path, behave: Callable[[socket.socket], None]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection, suppress(OSError):
                    connection.recv(65536)
                    behave(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        file = tmp_path / "address"
        file.write_text(f"json://127.0.0.1:{listening.getsockname()[1]}/topsecret")
        with pytest.raises(DeliveryError) as caught:
            sender.notify(file, 5, "title", "body")
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(20)
    assert str(caught.value).isprintable()
    assert "topsecret" not in str(caught.value)
