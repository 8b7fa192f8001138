# SPDX-License-Identifier: Apache-2.0
"""Serve the status of the gate over a local socket as one line of JSON, and request it.

The owner and the mode of the socket decide who may connect. Nothing can be commanded through it.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from plategate.errors import GateError, reason_of_own
from plategate.local_socket import LocalServer

PATIENCE_S = 2.0
LONGEST_ANSWER_BYTES = 4_000_000


class StatusSocket:
    """Serves the status from its own thread until it is closed."""

    def __init__(self, file: Path, status: Callable[[], dict[str, Any]]) -> None:
        self._status = status
        self._server = LocalServer(file, "status", self._answer, PATIENCE_S)

    def close(self) -> None:
        """Stop serving; may be called twice."""
        self._server.close()

    def _answer(self, connection: socket.socket) -> None:
        connection.sendall(json.dumps(self._status(), ensure_ascii=False).encode() + b"\n")


def ask_status(file: Path) -> dict[str, Any]:
    """Request the status of the running gate. Raises GateError if no gate answers."""
    answer = b""
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(PATIENCE_S)
            connection.connect(str(file))
            while (part := connection.recv(65536)) and len(answer) < LONGEST_ANSWER_BYTES:
                answer += part
        document = json.loads(answer)
    except OSError as error:
        raise GateError(f"no gate answers at {file}: {reason_of_own(error)}") from error
    except ValueError as error:
        raise GateError(f"the gate at {file} sent an answer that is not a status") from error
    if not isinstance(document, dict):
        raise GateError(f"the gate at {file} sent an answer that is not a status")
    return document
