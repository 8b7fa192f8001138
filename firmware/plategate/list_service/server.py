# SPDX-License-Identifier: Apache-2.0
"""The list service: answers requests on the list socket, one after the other.

The kernel names the connected user (SO_PEERCRED), and access.list_users says whom it serves. It
runs as the owner of the lists and has no network. systemd owns the socket and starts the process at
a connection; it ends after IDLE_S without one, and takes no memory until the next.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
from contextlib import closing
from types import FrameType

from plategate.errors import CommandError, GateError, ListError, SettingsError, reason_of
from plategate.list_service.messages import (
    LONGEST_CONTENT_BYTES,
    LONGEST_LINE_BYTES,
    ListAnswer,
    ListResult,
    encode_answer,
    parse_request,
)
from plategate.list_service.operations import ListOperations
from plategate.local_socket import LocalServer, listen, receive, serve_until_idle, user_of
from plategate.settings import Settings

logger = logging.getLogger(__name__)

REQUEST_WITHIN_S = 10.0
IDLE_S = 60.0
FIRST_PASSED_FD = 3  # SD_LISTEN_FDS_START


class ListService:
    """Answers the requests of the users that the settings name."""

    def __init__(self, settings: Settings) -> None:
        """Open nothing yet; raises SettingsError."""
        self._users = frozenset(settings.access.list_users)
        self._operations = ListOperations(settings)

    def answer(self, connection: socket.socket) -> None:
        """Read one request and send its answer."""
        longest = LONGEST_LINE_BYTES + LONGEST_CONTENT_BYTES
        data = receive(connection, longest, REQUEST_WITHIN_S, to_end=True)
        answer = self._answer_to(data, user_of(connection))
        connection.sendall(encode_answer(answer))

    def _answer_to(self, data: bytes, user: str) -> ListAnswer:
        if user not in self._users:
            logger.warning("user %s may not use the list service (access.list_users)", user)
            reason = f"user {user} may not change the lists (access.list_users)"
            return ListAnswer("", ListResult.NOT_ALLOWED, reason)
        try:
            request = parse_request(data)
        except CommandError as error:
            logger.warning("malformed request of user %s: %s", user, error)
            return ListAnswer("", ListResult.MALFORMED, str(error))
        try:
            return self._operations.follow(request)
        except ListError as error:
            return ListAnswer(request.id, ListResult.REFUSED, str(error))
        except GateError as error:
            logger.error("%s: %s", request.operation, error)
            return ListAnswer(request.id, ListResult.FAILED, str(error))


def serve_lists(settings: Settings) -> LocalServer:
    """Serve at the socket of the settings from a thread of this process; raises OSError."""
    service = ListService(settings)
    return LocalServer(settings.access.list_socket, "lists", service.answer, REQUEST_WITHIN_S)


def run_list_service(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; with a socket of systemd, until it is idle.

    Raises SettingsError where the socket of the settings cannot be opened.
    """
    service = ListService(settings)
    passed = _passed_socket()
    file = settings.access.list_socket
    try:
        listener = passed or listen(file)
    except OSError as error:
        raise SettingsError(
            f"access.list_socket = {str(file)!r}: cannot listen there: {reason_of(error)}"
        ) from error
    wake, signalled = socket.socketpair()
    for end in (wake, signalled):
        end.setblocking(False)

    def end_serving(number: int, frame: FrameType | None) -> None:
        del number, frame  # the byte that Python writes to `signalled` ends the loop

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end_serving)
    signal.set_wakeup_fd(signalled.fileno())
    with closing(listener), closing(wake), closing(signalled):
        serve_until_idle(
            listener,
            service.answer,
            REQUEST_WITHIN_S,
            wake=wake,
            idle_s=None if passed is None else IDLE_S,
        )
        signal.set_wakeup_fd(-1)
    if passed is None:
        file.unlink(missing_ok=True)


def _passed_socket() -> socket.socket | None:
    """The listening socket that systemd passes, if it started this process."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()) or os.environ.get("LISTEN_FDS") != "1":
        return None
    return socket.socket(fileno=FIRST_PASSED_FD)
