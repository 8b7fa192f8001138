# SPDX-License-Identifier: Apache-2.0
"""The [health] table accepts only what a gate can start with."""

from __future__ import annotations

from pathlib import Path

import pytest

from plategate.health.socket import StatusSocket, ask_status
from plategate.settings.base import LONGEST_SOCKET_BYTES
from plategate.settings.health import HealthSettings


def test_ok__longest_path_of_a_socket_can_be_used(tmp_path: Path) -> None:
    file = tmp_path / ("s" * (LONGEST_SOCKET_BYTES - len(str(tmp_path)) - 1))
    settings = HealthSettings(socket=file)
    served = StatusSocket(settings.socket, lambda: {"ready": True})
    assert ask_status(file) == {"ready": True}
    served.close()


@pytest.mark.parametrize("name", ["s" * LONGEST_SOCKET_BYTES, "ä" * 54])
def test_fail__longer_path_of_a_socket_is_refused_with_its_length(name: str) -> None:
    with pytest.raises(ValueError, match="bytes, a socket at most 107; use a shorter path"):
        HealthSettings(socket=Path("/") / name)
