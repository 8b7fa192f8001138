# SPDX-License-Identifier: Apache-2.0
"""`plategate open`, `mode` and the others send one request, and print its result."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from plategate.cli import app
from plategate.errors import CommandError
from plategate.remote.protocol import AnswerResult, CommandAnswer, CommandRequest
from plategate.remote.server import CommandServer

WORDS = ("open", "close", "hold", "release", "reset", "trigger")


class Gate:
    """Answers every command with `result`, and keeps the requests."""

    def __init__(self, folder: Path) -> None:
        self.asked: list[CommandRequest] = []
        self.result = AnswerResult.ACCEPTED
        self.config = folder / "settings.toml"
        self.config.write_text(f'[commands]\nsocket = "{folder}/c.sock"\n', encoding="utf-8")
        self.server = CommandServer(folder / "c.sock", self._handle)

    def _handle(self, request: CommandRequest, user: str) -> CommandAnswer:
        self.asked.append(request)
        return CommandAnswer(request.id, self.result, "the gate is locked", "p-1")

    def run(self, *words: str) -> Any:
        return CliRunner().invoke(app, [*words, "--config", str(self.config)])


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Gate]:
    made = Gate(tmp_path)
    yield made
    made.server.close()


@pytest.mark.parametrize("word", WORDS)
def test_ok__each_command_is_sent_with_its_reason(gate: Gate, word: str) -> None:
    done = gate.run(word, "--why", "removal van")
    assert done.exit_code == 0, done.output
    assert f"{word}: accepted (passage p-1)" in done.output
    (asked,) = gate.asked
    assert (asked.command, asked.why, asked.via, asked.mode) == (word, "removal van", "cli", None)


def test_ok__a_mode_is_sent_with_its_value(gate: Gate) -> None:
    assert gate.run("mode", "scheduled", "--why", "morning").exit_code == 0
    assert [(a.command, a.mode) for a in gate.asked] == [("mode", "scheduled")]


def test_fail__a_refusal_is_an_error_with_the_reason(gate: Gate) -> None:
    gate.result = AnswerResult.REFUSED
    done = gate.run("open", "--why", "guest")
    assert isinstance(done.exception, CommandError)
    assert str(done.exception) == "open: refused: the gate is locked"


@pytest.mark.parametrize("why", ["", "   ", "x" * 201, "a\x1b[2J"])
def test_fail__a_reason_that_is_none_is_named_before_anything_is_sent(gate: Gate, why: str) -> None:
    done = gate.run("open", "--why", why)
    assert "why: " in str(done.exception)
    assert gate.asked == []


def test_ok__a_reason_that_is_not_utf8_is_sent_as_an_escape(gate: Gate) -> None:
    done = gate.run("open", "--why", os.fsdecode(b"G\xe4ste"))
    assert done.exit_code == 0, done.exception
    assert [asked.why for asked in gate.asked] == ["G\\udce4ste"]


def test_fail__without_a_reason_or_a_mode_it_is_wrong_usage(gate: Gate) -> None:
    assert gate.run("open").exit_code == 2
    assert gate.run("mode", "party", "--why", "x").exit_code == 2
    assert gate.asked == []
