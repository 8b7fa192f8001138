# SPDX-License-Identifier: Apache-2.0
"""`plategate status` shows failures, and exits with 1 if there is one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from plategate.cli import app
from plategate.clock import SystemClock
from plategate.health.monitor import Health
from plategate.health.socket import StatusSocket

Ask = Callable[..., Any]


@pytest.fixture
def health() -> Health:
    return Health(SystemClock(), lambda _: None)


@pytest.fixture
def ask(tmp_path: Path, health: Health) -> Iterator[Ask]:
    config = tmp_path / "settings.toml"
    config.write_text(f'[health]\nsocket = "{tmp_path}/gate.sock"\n', encoding="utf-8")
    served = StatusSocket(tmp_path / "gate.sock", health.status)
    yield lambda *more: CliRunner().invoke(app, ["status", "--config", str(config), *more])
    served.close()


def test_ok__healthy_gate(health: Health, ask: Ask) -> None:
    health.ready()
    health.count("passages")
    answer = ask()
    assert answer.exit_code == 0
    assert "ready" in answer.stdout
    assert "no failures" in answer.stdout
    assert "passages: 1" in answer.stdout


def test_fail__failing_gate(health: Health, ask: Ask) -> None:
    health.ready()
    health.failing("camera_failed", "no frame")
    answer = ask("--json")
    assert answer.exit_code == 1
    assert json.loads(answer.stdout)["failures"][0]["name"] == "camera_failed"
    assert "camera_failed" in ask().stdout


def test_ok__brackets_in_a_sentence_are_shown(health: Health, ask: Ask) -> None:
    health.ready()
    health.failing("wiring", "see [pins]")
    assert "failing wiring for 0 s: see [pins]" in ask().stdout


def test_ok__a_failure_is_one_line_however_long(health: Health, ask: Ask) -> None:
    sentence = " ".join(["word"] * 60)
    health.failing("settings", sentence)
    assert f"failing settings for 0 s: {sentence}\n" in ask().stdout


def test_ok__lane_and_age_of_the_list_are_shown(health: Health, ask: Ask) -> None:
    health.ready()
    lane = {"lane": "[in]", "mode": "locked", "signal": "held_open", "arm": "up"}
    health.add_source("lane", lambda: lane)
    listed: dict[str, object] = {"entries": 12, "age_s": 3 * 86400}
    health.add_source("allow_list", lambda: listed)
    said = ask().stdout
    assert "lane [in]: locked, held open, arm up\n" in said
    assert "allow list: 12 entries, last confirmed 3 d ago\n" in said
    listed["entries"] = None
    assert "allow list: none\n" in ask().stdout


def test_ok__settings_that_wait_are_named(health: Health, ask: Ask) -> None:
    health.ready()
    new = {"keys": ["pins.beam.pin"], "restart": True, "waits_for": "fire", "waiting_s": 130.0}
    health.add_source("new_settings", lambda: new)
    answer = ask()
    assert answer.exit_code == 0
    assert "new settings have been waiting for 2 min (fire): pins.beam.pin\n" in answer.stdout


def test_fail__gate_that_is_not_ready(ask: Ask) -> None:
    assert ask().exit_code == 1


def test_ok__a_gate_is_asked_although_its_settings_file_has_an_error_by_now(
    tmp_path: Path, health: Health, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, good = tmp_path / "settings.toml", tmp_path / "settings.good.toml"
    config.rename(good)
    config.write_text("[lane]\nretry_after_ms = 5\n", encoding="utf-8")
    monkeypatch.setattr("plategate.settings.last_good.LAST_GOOD", good)
    monkeypatch.setattr("plategate.health.running_gate.DEFAULT_FILE", config)
    health.ready()
    health.failing("settings", "lane.retry_after_ms = 5")
    answer = ask()
    assert answer.exit_code == 1
    assert "failing settings" in answer.stdout
    assert "lane.retry_after_ms = 5" in answer.stdout
    assert "the running gate answers at" in answer.stderr


def test_fail__a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    answer = CliRunner().invoke(app, ["status", "--config", str(tmp_path / "gone.toml")])
    assert answer.exit_code == 1
    assert (
        str(answer.exception) == f"{tmp_path}/gone.toml: cannot be read: No such file or directory"
    )


def test_ok__a_gate_of_another_file_is_found_although_that_has_an_error_by_now(
    tmp_path: Path, health: Health, ask: Ask
) -> None:
    config = tmp_path / "settings.toml"
    config.write_text(config.read_text() + "[lane]\nretry_after_ms = 5\n", encoding="utf-8")
    health.ready()
    answer = ask()
    assert answer.exit_code == 0
    assert "lane.retry_after_ms = 5" in answer.stderr


def test_ok__a_gate_is_found_that_refused_the_socket_of_the_installed_file(
    tmp_path: Path, health: Health, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, good = tmp_path / "settings.toml", tmp_path / "settings.good.toml"
    config.rename(good)
    config.write_text(f'[health]\nsocket = "{tmp_path}/new.sock"\n', encoding="utf-8")
    monkeypatch.setattr("plategate.settings.last_good.LAST_GOOD", good)
    health.ready()
    # A gate of another file is not the installed one: the latter must not answer for it.
    other = ask()
    assert other.exit_code == 1
    assert "new.sock" in str(other.exception)
    monkeypatch.setattr("plategate.health.running_gate.DEFAULT_FILE", config)
    answer = ask("--json")
    assert answer.exit_code == 0
    assert json.loads(answer.stdout)["ready"]
    assert f"no gate answers at {tmp_path}/new.sock" in answer.stderr
    assert f"the running gate answers at {tmp_path}/gate.sock" in answer.stderr
