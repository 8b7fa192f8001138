# SPDX-License-Identifier: Apache-2.0
"""Guards: SIGHUP to the real program on mock pins: systemd notifications, adoption and restart.

One start serves all of it, because a start loads the models.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from plategate.health.socket import ask_status

PATIENCE_S = 600.0
SITE = """
[access]
file = "{0}/lists.sqlite"
visits_file = "{0}/visits.sqlite"
clock_stamp = "{0}/clock-stamp"
strictness = "{strictness}"
[journal]
dir = "{0}"
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


class Program:
    """`plategate run` with its own notify socket."""

    def __init__(self, folder: Path, wired: bool = True) -> None:
        self._folder = folder
        self._told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._told.bind(str(folder / "notify.sock"))
        self._told.settimeout(PATIENCE_S)
        self.write("exact", 22 if wired else None)
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "plategate", "run", "--config", folder / "settings.toml"],
                env={**os.environ, "NOTIFY_SOCKET": str(folder / "notify.sock")},
                stderr=log,
            )

    def write(self, strictness: str, beam: int | None) -> None:
        site = SITE if beam is not None else SITE.partition("open_relay")[0]
        text = site.format(self._folder, strictness=strictness, beam=beam)
        (self._folder / "settings.toml").write_text(text, encoding="utf-8")

    def hear(self, *words: str) -> None:
        """What systemd is told next, apart from signs of life."""
        for word in words:
            heard = "WATCHDOG=1"
            while heard == "WATCHDOG=1":
                heard = self._told.recv(4096).decode()
            assert heard == word, self.log.read_text(encoding="utf-8")

    def reload(self, strictness: str, beam: int) -> None:
        self.write(strictness, beam)
        self.process.send_signal(signal.SIGHUP)
        self.hear("RELOADING=1", "READY=1")

    def status(self) -> dict[str, object]:
        return ask_status(self._folder / "gate.sock")

    def close(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE_S)
        self._told.close()


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    started = Program(tmp_path)
    yield started
    started.close()


def test_ok__live_keys_are_adopted_and_a_pin_restarts(program: Program) -> None:
    program.hear("READY=1")
    program.reload("likely", 22)
    status = program.status()
    assert status["pid"] == program.process.pid
    assert "settings" not in {failure["name"] for failure in status["failures"]}
    program.reload("lenient", 22)
    named = {failure["name"]: failure["sentence"] for failure in program.status()["failures"]}
    assert "settings.toml: access.strictness = 'lenient'" in named["settings"]
    program.reload("likely", 23)
    program.hear("STOPPING=1")
    assert program.process.wait(PATIENCE_S) == 0
    log = program.log.read_text(encoding="utf-8")
    assert "applied without a restart: access.strictness" in log
    assert "restarting to apply pins.beam.pin" in log


def test_ok__without_any_line_it_starts_reports_it_and_restarts_at_reload(
    tmp_path: Path,
) -> None:
    program = Program(tmp_path, wired=False)
    try:
        program.hear("READY=1")
        status = program.status()
        assert status["ready"]
        assert {failure["name"] for failure in status["failures"]} == {"wiring"}
        program.write("exact", 22)
        program.process.send_signal(signal.SIGHUP)
        program.hear("STOPPING=1")
        assert program.process.wait(PATIENCE_S) == 0
    finally:
        program.close()
