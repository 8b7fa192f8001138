# SPDX-License-Identifier: Apache-2.0
"""Take commands on a local socket; the kernel names the connected user (SO_PEERCRED).

One connection carries one request and its answer. Requests are handled one after the other, so that
the order of commands is the order of their events in the journal.
"""

from __future__ import annotations

import logging
import pwd
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path

from plategate.errors import CommandError
from plategate.local_socket import LocalServer
from plategate.remote.protocol import (
    LONGEST_LINE_BYTES,
    AnswerResult,
    CommandAnswer,
    CommandRequest,
    encode,
    parse_request,
)

logger = logging.getLogger(__name__)

REQUEST_WITHIN_S = 2.0
_CREDENTIALS = struct.Struct("3i")

Handler = Callable[[CommandRequest, str], CommandAnswer]


class CommandServer:
    """Serves commands from its own thread until it is closed.

    `handle` gets the request and the name of the connected user ("uid 1234" where it has none).
    """

    def __init__(self, file: Path, handle: Handler) -> None:
        """Listen at `file`; raises OSError."""
        self._handle = handle
        self._server = LocalServer(file, "commands", self._answer, REQUEST_WITHIN_S)

    def close(self) -> None:
        """Stop serving; may be called twice."""
        self._server.close()

    def _answer(self, connection: socket.socket) -> None:
        user = user_of(connection)
        connection.sendall(encode(self._answer_to(_line(connection), user)))

    def _answer_to(self, line: bytes, user: str) -> CommandAnswer:
        try:
            request = parse_request(line)
        except CommandError as error:
            logger.warning("malformed command of user %s: %s", user, error)
            return CommandAnswer("", AnswerResult.MALFORMED, str(error))
        return self._handle(request, user)


def user_of(connection: socket.socket) -> str:
    """The name of the user at the other end."""
    packed = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, uid, _ = _CREDENTIALS.unpack(packed)
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _line(connection: socket.socket) -> bytes:
    """The first line, or everything up to the end of the stream or one byte more than allowed.

    Raises TimeoutError where it is not there within REQUEST_WITHIN_S, however it is split.
    """
    line = b""
    deadline_s = time.monotonic() + REQUEST_WITHIN_S
    while not line.endswith(b"\n") and len(line) <= LONGEST_LINE_BYTES:
        left_s = deadline_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("the request took too long")
        connection.settimeout(left_s)
        part = connection.recv(LONGEST_LINE_BYTES + 1 - len(line))
        if not part:
            break
        line += part
    connection.settimeout(REQUEST_WITHIN_S)
    return line
