# SPDX-License-Identifier: Apache-2.0
"""The doctor takes from the running gate what a shell cannot know, and writes nothing."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from plategate.clock import SystemClock
from plategate.doctor.examine import examine
from plategate.doctor.results import Light, Machine
from plategate.health.monitor import Health
from plategate.health.socket import StatusSocket
from plategate.journal import open_journal
from plategate.settings.journal import JournalSettings

from .conftest import Bench


def served_by(bench: Bench, **parts: Any) -> StatusSocket:
    """The status socket of a running gate that reports these parts."""
    health = Health(SystemClock(), lambda _: None)
    health.ready()
    for name, part in parts.items():
        health.add_source(name, lambda part=part: part)  # type: ignore[misc]
    return StatusSocket(bench.folder / "gate.sock", health.status)


@pytest.mark.parametrize(
    ("trusted", "light"), [(True, Light.GREEN), (False, Light.AMBER)], ids=["trusted", "not"]
)
def test_ok__clock_and_pins_are_those_of_the_running_gate(
    bench: Bench, trusted: bool, light: Light
) -> None:
    bench.owner_of_pins = "no-such-group"  # this shell has no access, the gate has
    clock = {"trusted": trusted, "why": "the sandbox forbids adjtimex"}
    with closing(served_by(bench, lane={"lane": "main"}, clock=clock)):
        found = bench.examine()
    assert found["clock"].light is light
    assert "the sandbox forbids adjtimex (checked by the running gate)" in found["clock"].sentence
    assert found["pins"].light is Light.GREEN
    assert found["gate"].light is Light.GREEN


def test_fail__settings_that_the_running_gate_has_not_applied_are_named(bench: Bench) -> None:
    new = {"keys": ["pins.beam.pin"], "waiting_s": 9.0, "waits_for": "the arm is held up"}
    with closing(served_by(bench, new_settings=new)):
        gate = bench.examine()["gate"]
    assert gate.light is Light.AMBER
    assert "the arm is held up" in gate.sentence
    assert "pins.beam.pin" in gate.sentence


def test_ok__without_a_running_gate_the_clock_is_checked_here(bench: Bench) -> None:
    found = bench.examine()
    assert "checked by this command" in found["clock"].sentence
    assert found["gate"].light is Light.AMBER


def test_ok__the_doctor_writes_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("plategate.schedule.clock_trust.TIMESYNC_MARK", tmp_path / "pictures")
    journal = open_journal(JournalSettings(dir=bench.state))
    journal.close()
    config = bench.config
    before = snapshot(bench.folder)
    results = examine(config, Machine(bench.folder, bench.command))
    assert {result.name: result for result in results}["clock"].light is Light.GREEN
    assert snapshot(bench.folder) == before


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(file): (file.stat().st_mtime_ns, file.read_bytes() if file.is_file() else b"")
        for file in sorted(folder.rglob("*"))
        if not file.name.endswith("-shm")  # SQLite's lock table, which readers use as well
    }
