# SPDX-License-Identifier: Apache-2.0
"""Serve on a local (Unix) socket, in place of one that a killed process left behind."""

from __future__ import annotations

import contextlib
import errno
import logging
import socket
import threading
from collections.abc import Callable
from pathlib import Path

log = logging.getLogger(__name__)

SOCKET_MODE = 0o660
PROBE_S = 2.0


class LocalServer:
    """Answers connections one after the other, from its own thread, until it is closed.

    `answer` gets each connection with a timeout of `timeout_s`. An error ends that connection only:
    the next one may succeed.
    """

    def __init__(
        self, file: Path, name: str, answer: Callable[[socket.socket], None], timeout_s: float
    ) -> None:
        """Listen at `file`; `name` is the thread's. Raises OSError."""
        self._file = file
        self._answer = answer
        self._timeout_s = timeout_s
        self._listener = listen(file)
        self._thread = threading.Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving; may be called twice."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(self._timeout_s)
        self._file.unlink(missing_ok=True)

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self._answer_one(connection)

    def _answer_one(self, connection: socket.socket) -> None:
        try:
            connection.settimeout(self._timeout_s)
            self._answer(connection)
        except OSError as error:
            log.debug("%s: a connection ended early: %s", self._file, error)
        except Exception:
            log.exception("%s: a connection failed", self._file)


def listen(file: Path, backlog: int = 8) -> socket.socket:
    """A listening stream socket at `file`, readable and writable for owner and group.

    Raises OSError: with EADDRINUSE if another process answers there.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    if _answers(file):
        raise OSError(errno.EADDRINUSE, "another gate answers there")
    file.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(str(file))
        file.chmod(SOCKET_MODE)
        listener.listen(backlog)
    except OSError:
        listener.close()
        raise
    return listener


def _answers(file: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PROBE_S)
        try:
            connection.connect(str(file))
        except OSError:
            return False
        return True
