# SPDX-License-Identifier: Apache-2.0
"""The status socket answers whoever may connect, and a bad client does not stop it."""

from __future__ import annotations

import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plategate.errors import GateError
from plategate.health.socket import StatusSocket, ask_status


@pytest.fixture
def answers() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def file(tmp_path: Path, answers: list[dict[str, Any]]) -> Iterator[Path]:
    file = tmp_path / "gate.sock"
    served = StatusSocket(file, answers.pop)
    yield file
    served.close()
    served.close()
    assert not file.exists()
    assert "status" not in {thread.name for thread in threading.enumerate()}


def test_ok__status_is_sent(file: Path, answers: list[dict[str, Any]]) -> None:
    answers.append({"ready": True, "plate": "Ä" * 100_000})
    assert ask_status(file) == {"ready": True, "plate": "Ä" * 100_000}


def test_ok__client_that_leaves_and_status_that_fails_do_not_stop_it(
    file: Path, answers: list[dict[str, Any]]
) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(file))
    with pytest.raises(GateError, match="not a status"):
        ask_status(file)
    answers.append({"ready": True})
    assert ask_status(file) == {"ready": True}


def test_ok__socket_is_for_owner_and_group(file: Path) -> None:
    assert stat.S_IMODE(file.stat().st_mode) == 0o660


def test_ok__socket_of_a_killed_process_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "gate.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(file))
    served = StatusSocket(file, lambda: {"ready": False})
    assert ask_status(file) == {"ready": False}
    served.close()


def test_fail__no_gate(tmp_path: Path) -> None:
    with pytest.raises(GateError, match="no gate answers"):
        ask_status(tmp_path / "gate.sock")


def test_fail__a_second_gate_does_not_take_the_socket_of_the_first(tmp_path: Path) -> None:
    file = tmp_path / "gate.sock"
    first = StatusSocket(file, lambda: {"first": True})
    try:
        with pytest.raises(OSError, match="another process answers there"):
            StatusSocket(file, lambda: {"first": False})
        assert ask_status(file) == {"first": True}
    finally:
        first.close()
