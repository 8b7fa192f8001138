# SPDX-License-Identifier: Apache-2.0
"""`plategate settings`: where each value comes from; `set` and `reset` go through the socket."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from plategate.cli import app
from plategate.remote.protocol import AnswerResult, CommandAnswer, CommandRequest, ServiceName
from plategate.remote.server import CommandServer
from plategate.settings.overlay import OwnerValue, write_overlay


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "settings.toml"
    file.write_text(
        f'[commands]\nsocket = "{tmp_path}/c.sock"\n'
        f'owner_settings_file = "{tmp_path}/owner.json"\n[journal]\ngranted_days = 5\n',
        encoding="utf-8",
    )
    return file


def run(config: Path, *words: str) -> Any:
    return CliRunner().invoke(app, ["settings", *words, "--config", str(config)])


def test_ok__each_value_is_shown_with_its_origin(config: Path) -> None:
    changed = OwnerValue("likely", "owner:anna", "guests", "2026-05-01T10:00:00+00:00", "exact")
    write_overlay(config.parent / "owner.json", {"access.strictness": changed})
    lines = run(config).output.splitlines()
    assert f"journal.granted_days = 5  ({config}:5)" in lines
    console = "owner:anna, 2026-05-01T10:00:00+00:00: guests"
    assert f'access.strictness = "likely"  ({console})' in lines
    assert not any(line.startswith("lane.stills") for line in lines)
    found = {
        item["key"]: item
        for item in map(json.loads, run(config, "--all", "--json").output.splitlines())
    }
    assert found["lane.stills"] == {
        "key": "lane.stills", "value": 3, "from": "default", "where": ""
    }  # fmt: skip
    assert found["access.strictness"]["from"] == "console"


@pytest.mark.parametrize(
    ("words", "data"),
    [
        (("set", "journal.granted_days", "3"), {"key": "journal.granted_days", "value": 3}),
        (("set", "access.strictness", "exact"), {"key": "access.strictness", "value": "exact"}),
        (("set", "access.holidays", '["12-25"]'), {"key": "access.holidays", "value": ["12-25"]}),
        (("set", "camera.roi", "-0.5"), {"key": "camera.roi", "value": -0.5}),
        (("set", "journal.granted_days", "-5"), {"key": "journal.granted_days", "value": -5}),
        (("reset", "access.strictness"), {"key": "access.strictness", "reset": True}),
    ],
)
def test_ok__a_change_is_sent_to_the_running_gate(
    config: Path, words: tuple[str, ...], data: dict[str, Any]
) -> None:
    asked: list[CommandRequest] = []

    def handle(request: CommandRequest, user: str) -> CommandAnswer:
        asked.append(request)
        return CommandAnswer(request.id, AnswerResult.ACCEPTED, "applies from the next vehicle")

    server = CommandServer(config.parent / "c.sock", handle)
    done = run(config, *words, "--why", "more guests")
    server.close()
    assert (done.exit_code, done.output) == (0, "applies from the next vehicle\n")
    assert [(a.command, a.data, a.why) for a in asked] == [
        (ServiceName.SETTING, data, "more guests")
    ]


def test_fail__without_a_gate_nothing_is_changed(config: Path) -> None:
    done = run(config, "set", "journal.granted_days", "3", "--why", "x")
    assert done.exit_code == 1
    assert "no gate takes commands" in str(done.exception)
