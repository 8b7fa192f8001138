# SPDX-License-Identifier: Apache-2.0
"""A console with the sockets of a gate."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from plategate.health.socket import StatusSocket
from plategate.list_service.server import serve_lists
from plategate.remote.server import CommandServer

from .bed import STATUS, ConsoleBed


@pytest.fixture
def bed(tmp_path: Path) -> Iterator[ConsoleBed]:
    made = ConsoleBed(tmp_path)
    commands = CommandServer(made.settings.commands.socket, made.handle)
    status = StatusSocket(made.settings.health.socket, lambda: STATUS)
    lists = serve_lists(made.settings)
    yield made
    lists.close()
    commands.close()
    status.close()
    made.journal.close()
    made.site.database.close()
