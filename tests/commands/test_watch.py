# SPDX-License-Identifier: Apache-2.0
"""Guards: `plategate watch` shows inputs, distance and lane, of the gate and of the pins."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from plategate.cli import app
from plategate.clock import SystemClock
from plategate.health.monitor import Health
from plategate.health.socket import StatusSocket

Watch = Callable[..., Any]

LANE = {
    "lane": "[in]", "mode": "automatic", "signal": "refused", "armed": False, "reading": None,
    "arm": "resting", "held": False, "fault": None, "fire": False, "camera": True, "passages": 12,
    "inputs": {"beam": "active", "photocell": "unknown"}, "stuck": ["beam"],
}  # fmt: skip


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    config = tmp_path / "settings.toml"
    config.write_text(
        f'[health]\nsocket = "{tmp_path}/gate.sock"\n'
        '[pins]\nbackend = "mock"\nphotocell = { pin = 6 }\nloop = { pin = 5 }\n'
        "distance = { trigger = 23, echo = 24 }\n",
        encoding="utf-8",
    )
    return lambda *more: CliRunner().invoke(
        app, ["watch", "--looks", "2", "--every", "0.05", "--config", str(config), *more]
    )


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Health]:
    health = Health(SystemClock(), lambda _: None)
    served = StatusSocket(
        tmp_path / "gate.sock", lambda: health.status() | {"lane": LANE, "metres": 1.25}
    )
    yield health
    served.close()


def test_ok__gate(watch: Watch, gate: Health) -> None:
    answer = watch()
    assert answer.exit_code == 0, answer.output
    rows = {line.split("│")[1].strip(): line for line in answer.stdout.splitlines() if "│" in line}
    assert "active, stuck and ignored" in rows["beam"]
    assert "unknown" in rows["photocell"]
    assert "refused" in rows["signal"]
    assert "12" in rows["passages"]
    assert "no" in rows["armed"]
    assert "1.25" in rows["distance, metres"]
    assert "lane [in]" in answer.stdout


def test_ok__failure_sentences_may_contain_brackets(watch: Watch, gate: Health) -> None:
    gate.failing("wiring", "see [pins]")
    assert "wiring: see [pins]" in watch().stdout


def test_ok__pins_directly(watch: Watch) -> None:
    answer = watch("--direct")
    assert answer.exit_code == 0, answer.output
    assert "photocell" in answer.stdout
    assert "active" in answer.stdout
    assert "distance, metres" in answer.stdout


def test_fail__no_gate_is_one_sentence(watch: Watch) -> None:
    assert "no gate answers at" in str(watch().exception)
