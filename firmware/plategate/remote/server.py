# SPDX-License-Identifier: Apache-2.0
"""Take commands on a local socket; the kernel names the connected user (SO_PEERCRED).

One connection carries one request and its answer. Requests are handled one after the other, so that
the order of commands is the order of their events in the journal.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from pathlib import Path

from plategate.errors import CommandError
from plategate.local_socket import LocalServer, receive, user_of
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

Handler = Callable[[CommandRequest, str], CommandAnswer]


class CommandServer:
    """Serves commands from its own thread until it is closed.

    `handle` gets the request and the name of the connected user ("uid 1234" where it has none).
    Malformed requests are answered here and logged.
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
        line = receive(connection, LONGEST_LINE_BYTES, REQUEST_WITHIN_S)
        connection.sendall(encode(self._answer_to(line, user)))

    def _answer_to(self, line: bytes, user: str) -> CommandAnswer:
        try:
            request = parse_request(line)
        except CommandError as error:
            logger.warning("malformed command of user %s: %s", user, error)
            return CommandAnswer("", AnswerResult.MALFORMED, str(error))
        return self._handle(request, user)
