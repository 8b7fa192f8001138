# SPDX-License-Identifier: Apache-2.0
"""A real server, on loopback and without TLS, for the console of a bed."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from plategate.console.server import make_server

from .bed import ConsoleBed

PATIENCE_S = 20.0


@contextmanager
def served(bed: ConsoleBed) -> Iterator[str]:
    """The address of a server with the journal, the lists and the sockets of the bed."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        settings = bed.settings.model_copy(
            update={
                "console": bed.settings.console.model_copy(update={"address": "127.0.0.1"}),
            }
        )
        server = make_server(settings, secure=False)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(PATIENCE_S)
            assert not thread.is_alive()
