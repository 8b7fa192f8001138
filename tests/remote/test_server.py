# SPDX-License-Identifier: Apache-2.0
"""Guards the command server: who is connected comes from the kernel, and nobody blocks it."""

from __future__ import annotations

import contextlib
import os
import pwd
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from plategate.errors import CommandError
from plategate.messages import CommandName
from plategate.remote.client import new_request, send_command
from plategate.remote.protocol import AnswerResult, CommandAnswer, CommandRequest, parse_answer
from plategate.remote.server import CommandServer

NOBODY = 65534


class Served:
    """A server that accepts everything and keeps what it was asked, and by whom."""

    def __init__(self, folder: Path) -> None:
        self.asked: list[tuple[CommandRequest, str]] = []
        self.file = folder / "command.sock"
        self.server = CommandServer(self.file, self._handle)

    def _handle(self, request: CommandRequest, user: str) -> CommandAnswer:
        self.asked.append((request, user))
        if request.why == "crash":
            raise RuntimeError("a fault in the handler")
        return CommandAnswer(request.id, AnswerResult.ACCEPTED, "followed")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    made = Served(tmp_path)
    yield made
    made.server.close()


def request(why: str = "test") -> CommandRequest:
    return new_request(CommandName.OPEN, why=why, who="anna", via="cli")


def raw(file: Path, sent: bytes, end: bool = True) -> bytes:
    """What the server answers to these bytes."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(file))
        connection.sendall(sent)
        if end:
            connection.shutdown(socket.SHUT_WR)
        return connection.recv(65536)


def test_ok__a_request_reaches_the_handler_with_the_user_of_the_process(served: Served) -> None:
    asked = request()
    assert send_command(served.file, asked).result is AnswerResult.ACCEPTED
    assert served.asked == [(asked, pwd.getpwuid(os.getuid()).pw_name)]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_ok__the_user_is_the_one_of_the_kernel_not_of_the_message(
    served: Served, tmp_path: Path
) -> None:
    served.file.chmod(0o666)
    for folder in (tmp_path, *list(tmp_path.parents)[:3]):
        folder.chmod(folder.stat().st_mode | 0o011)
    code = (
        f"import os, socket, sys; os.setgid({NOBODY}); os.setuid({NOBODY});"
        f"s = socket.socket(socket.AF_UNIX); s.connect({str(served.file)!r});"
        "s.sendall(sys.argv[1].encode() + b'\\n'); s.recv(1000)"
    )
    line = (
        '{"id":"a","command":"open","why":"w","who":"root","via":"cli","from":"local",'
        '"expires_at":"2099-01-01T00:00:00Z"}'
    )
    subprocess.run([sys.executable, "-c", code, line], check=True, timeout=60)
    assert [user for _, user in served.asked] == [pwd.getpwuid(NOBODY).pw_name]


@pytest.mark.parametrize("sent", [b"", b"hello\n", b"{}\n", b"\xff\xfe\n", b"x" * 100_000])
def test_fail__what_is_no_request_is_answered_and_reaches_nobody(
    served: Served, sent: bytes
) -> None:
    try:
        answer = raw(served.file, sent)
    except (BrokenPipeError, ConnectionResetError):
        answer = b""  # more than a request may have: the connection is closed
    if answer:
        assert parse_answer(answer).result is AnswerResult.MALFORMED
    assert served.asked == []
    assert send_command(served.file, request()).result is AnswerResult.ACCEPTED


def test_fail__a_silent_connection_and_a_crash_in_the_handler_do_not_end_the_server(
    served: Served,
) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.connect(str(served.file))
        assert send_command(served.file, request(), within_s=20).result is AnswerResult.ACCEPTED
    with pytest.raises(CommandError, match="without an answer"):
        send_command(served.file, request("crash"))
    assert send_command(served.file, request()).result is AnswerResult.ACCEPTED


def test_fail__a_request_that_drips_does_not_keep_others_waiting(served: Served) -> None:
    with socket.socket(socket.AF_UNIX) as slow:
        slow.connect(str(served.file))
        ended = threading.Event()

        def drip() -> None:
            with contextlib.suppress(OSError):
                while not ended.wait(0.2):
                    slow.sendall(b" ")

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            assert send_command(served.file, request(), within_s=20).result is AnswerResult.ACCEPTED
        finally:
            ended.set()
            thread.join()


def test_fail__no_gate_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="no gate takes commands at"):
        send_command(tmp_path / "nobody.sock", request())
