# SPDX-License-Identifier: Apache-2.0
"""Real servers for the console of a bed: the sockets of its gate, and HTTP on loopback."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from plategate.console.server import make_server
from plategate.health.socket import StatusSocket
from plategate.list_service.server import serve_lists
from plategate.remote.server import CommandServer

from .bed import STATUS, ConsoleBed

PATIENCE_S = 20.0


@contextmanager
def with_gate(bed: ConsoleBed) -> Iterator[None]:
    """The sockets of a gate and of the list service, and in the end the journal closed."""
    commands = CommandServer(bed.settings.commands.socket, bed.handle)
    status = StatusSocket(bed.settings.health.socket, lambda: STATUS)
    lists = serve_lists(bed.settings)
    try:
        yield
    finally:
        lists.close()
        commands.close()
        status.close()
        bed.journal.close()
        bed.site.database.close()


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
