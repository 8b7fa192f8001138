# SPDX-License-Identifier: Apache-2.0
"""A command over the network is valid for a minute at most, to the millisecond."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from plategate.outbound.remote_commands import LONGEST_VALIDITY, CommandRelay
from plategate.rehearsal.clock import ManualClock
from plategate.remote.protocol import AnswerResult, CommandAnswer, CommandRequest
from plategate.remote.server import CommandServer


class Gate:
    """Takes every command, and remembers when it expires."""

    def __init__(self, file: Path) -> None:
        self.expiries: list[datetime] = []
        self.server = CommandServer(file, self._handle)

    def _handle(self, request: CommandRequest, user: str) -> CommandAnswer:
        del user
        self.expiries.append(request.expires_at)
        return CommandAnswer(request.id, AnswerResult.ACCEPTED, "opens", "p1")


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    made = Gate(tmp_path / "command.sock")
    yield made
    made.server.close()


def given(gate_socket: Path, clock: ManualClock, expires_at: datetime) -> str:
    relay = CommandRelay(gate_socket, ("open",), "broker", clock)
    command = {"id": "x1", "command": "open", "expires_at": expires_at.isoformat()}
    answer = relay.give(json.dumps(command).encode(), retained=False)
    return f"{answer['result']}: {answer['reason']}"


@pytest.mark.parametrize(("ahead_s", "taken"), [(59.999, True), (60.0, True), (60.001, False)])
def test_ok__a_command_is_taken_up_to_a_minute_before_it_expires(
    tmp_path: Path, gate: Gate, ahead_s: float, taken: bool
) -> None:
    clock = ManualClock()
    expires_at = clock.wall() + timedelta(seconds=ahead_s)
    said = given(tmp_path / "command.sock", clock, expires_at)
    if taken:
        assert said == "accepted: opens"
        assert gate.expiries == [expires_at]
    else:
        assert said == "malformed: expires_at: is more than 60 s ahead; check the clocks"
        assert gate.expiries == []


def test_ok__a_command_that_was_too_early_is_taken_once_the_time_has_passed(
    tmp_path: Path, gate: Gate
) -> None:
    clock = ManualClock()
    expires_at = clock.wall() + LONGEST_VALIDITY + timedelta(seconds=1)
    assert given(tmp_path / "command.sock", clock, expires_at).startswith("malformed")
    clock.advance_to(clock.monotonic() + 1)
    assert given(tmp_path / "command.sock", clock, expires_at).startswith("accepted")
    assert gate.expiries == [expires_at]
