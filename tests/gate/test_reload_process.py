# SPDX-License-Identifier: Apache-2.0
"""Guards: SIGHUP to the real program on mock pins: systemd notifications, adoption and restart.

One start serves all of it, because a start loads the models.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from .program import PATIENCE_S, Program

SITE = """
[access]
file = "{0}/lists.sqlite"
visits_file = "{0}/visits.sqlite"
clock_stamp = "{0}/clock-stamp"
strictness = "{strictness}"
[journal]
dir = "{0}"
[commands]
socket = "{0}/command.sock"
[health]
socket = "{0}/gate.sock"
crash_dir = "{0}/crashes"
[camera]
kind = "folder"
path = "{0}"
[pins]
backend = "mock"
open_relay = {{ pin = 17 }}
beam = {{ pin = {beam}, normally_closed = false }}
"""


def site(folder: Path, strictness: str, beam: int | None) -> str:
    """The settings of a site; without a beam no line is set."""
    text = SITE if beam is not None else SITE.partition("open_relay")[0]
    return text.format(folder, strictness=strictness, beam=beam)


def reload(program: Program, strictness: str, beam: int) -> None:
    program.write(site(program.folder, strictness, beam))
    program.process.send_signal(signal.SIGHUP)
    program.hear("RELOADING=1", "READY=1")


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    started = Program(tmp_path, site(tmp_path, "exact", 22))
    yield started
    started.close()


def test_ok__live_keys_are_adopted_and_a_pin_restarts(program: Program) -> None:
    program.hear("READY=1")
    reload(program, "likely", 22)
    status = program.status()
    assert status["pid"] == program.process.pid
    assert "settings" not in {failure["name"] for failure in status["failures"]}
    reload(program, "lenient", 22)
    assert "settings.toml: access.strictness = 'lenient'" in program.failures()["settings"]
    reload(program, "likely", 23)
    program.hear("STOPPING=1")
    assert program.process.wait(PATIENCE_S) == 0
    log = program.log.read_text(encoding="utf-8")
    assert "applied without a restart: access.strictness" in log
    assert "restarting to apply pins.beam.pin" in log


def test_ok__without_any_line_it_starts_reports_it_and_restarts_at_reload(
    tmp_path: Path,
) -> None:
    program = Program(tmp_path, site(tmp_path, "exact", None))
    try:
        program.hear("READY=1")
        status = program.status()
        assert status["ready"]
        assert {failure["name"] for failure in status["failures"]} == {"wiring"}
        program.write(site(tmp_path, "exact", 22))
        program.process.send_signal(signal.SIGHUP)
        program.hear("STOPPING=1")
        assert program.process.wait(PATIENCE_S) == 0
    finally:
        program.close()


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGUSR2])
def test_ok__a_signal_without_a_meaning_ends_nothing(program: Program, number: signal.Signals):
    program.hear("READY=1")
    program.process.send_signal(number)
    reload(program, "likely", 22)
    assert program.process.poll() is None


def test_ok__a_reload_during_the_start_is_done_after_it(tmp_path: Path) -> None:
    program = Program(tmp_path, site(tmp_path, "exact", 22), early=signal.SIGHUP)
    try:
        program.hear("READY=1", "RELOADING=1", "READY=1")
        assert program.status()["ready"]
    finally:
        program.close()


def test_ok__a_meaningless_signal_during_the_start_ends_nothing(tmp_path: Path) -> None:
    program = Program(tmp_path, site(tmp_path, "exact", 22), early=signal.SIGUSR1)
    try:
        program.hear("READY=1")
    finally:
        program.close()
