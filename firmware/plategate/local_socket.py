# SPDX-License-Identifier: Apache-2.0
"""Local (Unix) sockets: serve one, in place of one that a killed process left behind; ask one.

One connection carries one request and its answer. The kernel names the connected user
(SO_PEERCRED).
"""

from __future__ import annotations

import contextlib
import errno
import logging
import pwd
import select
import socket
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path

log = logging.getLogger(__name__)

SOCKET_MODE = 0o660
PROBE_S = 2.0
_CREDENTIALS = struct.Struct("3i")

Answer = Callable[[socket.socket], None]


class LocalServer:
    """Answers connections one after the other, from its own thread, until it is closed.

    `answer` gets each connection with a timeout of `timeout_s`. An error ends that connection only:
    the next one may succeed.
    """

    def __init__(self, file: Path, name: str, answer: Answer, timeout_s: float) -> None:
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
            _answer_one(connection, self._answer, self._timeout_s)


def serve_until_idle(
    listener: socket.socket,
    answer: Answer,
    timeout_s: float,
    *,
    wake: socket.socket,
    idle_s: float | None,
) -> None:
    """Answer connections in this thread until `wake` is readable, or none came for `idle_s`.

    The listener stays open: whoever made it, such as systemd, goes on receiving connections.
    """
    listener.setblocking(False)  # another process may have taken the connection
    while True:
        ready, _, _ = select.select([listener, wake], [], [], idle_s)
        if not ready or wake in ready:
            return
        try:
            connection, _ = listener.accept()
        except OSError as error:
            log.debug("a connection ended before it was accepted: %s", error)
            continue
        _answer_one(connection, answer, timeout_s)


def _answer_one(connection: socket.socket, answer: Answer, timeout_s: float) -> None:
    with connection:
        try:
            connection.settimeout(timeout_s)
            answer(connection)
        except OSError as error:
            log.debug("a connection ended early: %s", error)
        except Exception:
            log.exception("a connection failed")


def user_of(connection: socket.socket) -> str:
    """The name of the user at the other end; "uid 1234" where it has none."""
    packed = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, uid, _ = _CREDENTIALS.unpack(packed)
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def receive(
    connection: socket.socket, longest: int, within_s: float, *, to_end: bool = False
) -> bytes:
    """The first line, or with `to_end` the whole stream; one byte more where it is too long.

    Raises TimeoutError where it is not there within `within_s`, however it is split.
    """
    parts: list[bytes] = []
    size, deadline_s = 0, time.monotonic() + within_s
    while size <= longest and (to_end or not (parts and parts[-1].endswith(b"\n"))):
        left_s = deadline_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("the request took too long")
        connection.settimeout(left_s)
        part = connection.recv(min(longest + 1 - size, 1 << 20))
        if not part:
            break
        parts.append(part)
        size += len(part)
    connection.settimeout(within_s)
    return b"".join(parts)


def ask(file: Path, request: bytes, within_s: float, longest: int) -> bytes:
    """Send a request to the socket `file`; returns the answer, of about `longest` bytes at most.

    Raises OSError.
    """
    parts: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(within_s)
        connection.connect(str(file))
        with contextlib.suppress(BrokenPipeError):  # it answered before it had read everything
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
        while sum(map(len, parts)) <= longest and (part := connection.recv(1 << 20)):
            parts.append(part)
    return b"".join(parts)


def listen(file: Path, backlog: int = socket.SOMAXCONN) -> socket.socket:
    """A listening stream socket at `file`, readable and writable for owner and group.

    Raises OSError: with EADDRINUSE if another process answers there.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    if _answers(file):
        raise OSError(errno.EADDRINUSE, "another process answers there")
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
