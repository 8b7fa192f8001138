# SPDX-License-Identifier: Apache-2.0
"""A list service at a real socket with a real database."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from pathlib import Path

import pytest

from plategate.list_service.client import ListClient
from plategate.list_service.server import serve_lists
from plategate.settings import Settings, parse_settings


@pytest.fixture
def site(tmp_path: Path) -> Settings:
    return parse_settings(
        {
            "access": {
                "file": str(tmp_path / "lists.sqlite"),
                "zone": "Europe/Berlin",
                "list_socket": str(tmp_path / "lists.sock"),
                "list_users": [getpass.getuser()],
            }
        },
        "test",
    )


@pytest.fixture
def lists(site: Settings) -> Iterator[ListClient]:
    server = serve_lists(site)
    yield ListClient(site.access.list_socket)
    server.close()
