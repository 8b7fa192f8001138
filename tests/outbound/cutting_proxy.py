# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy that ends connections after a number of bytes, for tests and drills."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self


class CuttingProxy:
    """Forwards connections to a port of this machine until `cut_after` says otherwise."""

    def __init__(self, to_port: int) -> None:
        self.cuts = 0
        self._to_port = to_port
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self._left: int | None = None
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._begin(self._accept)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for thread in self._threads:
            thread.join(10)

    def cut_after(self, size: int) -> None:
        """End the connection in use after this many more bytes, in whichever direction."""
        with self._lock:
            self._left = size

    def _begin(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._to_port))
            except OSError:
                client.close()
                continue
            pair = [client, server]
            self._begin(self._forward, client, server, pair)
            self._begin(self._forward, server, client, pair)

    def _forward(
        self, source: socket.socket, sink: socket.socket, pair: list[socket.socket]
    ) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                allowed = self._allowed(len(data))
                sink.sendall(data[:allowed])
                if allowed < len(data):
                    break
        for each in pair:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        source.close()

    def _allowed(self, size: int) -> int:
        """How many of the next bytes may pass."""
        with self._lock:
            if self._left is None:
                return size
            if self._left >= size:
                self._left -= size
                return size
            allowed, self._left = self._left, None
            self.cuts += 1
            return allowed
