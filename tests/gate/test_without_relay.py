# SPDX-License-Identifier: Apache-2.0
"""Guards: no configuration ends the gate; it runs without relay and says why it cannot open."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from plategate.clock import SystemClock
from plategate.errors import PinError
from plategate.gate.without_relay import PROBE_EVERY_S, GateWithoutRelay
from plategate.health.monitor import Health

from .program import HEALTH, PATIENCE_S, Program

STATE = """
[access]
file = "{0}/lists.sqlite"
visits_file = "{0}/visits.sqlite"
clock_stamp = "{0}/clock-stamp"
"""
RELAY = "[pins]\nopen_relay = {{ pin = 17 }}\nbeam = {{ pin = 22 }}\n"
JOURNAL = '[journal]\ndir = "{0}"\n'


@pytest.mark.parametrize(
    ("text", "name", "says"),
    [
        ('[lane]\nnam = "x"\n', "settings", "settings.toml: lane.nam: unknown key"),
        ("[lane]\nstills = 0\n" + RELAY, "settings", "lane.stills = 0: must be at least 1"),
        ("[pins]\nbeam = {{ pin = 22 }}\n", "settings", "pins.open_relay is not set"),
        ("[pins]\nchip = 15\n" + RELAY.partition("\n")[2] + JOURNAL, "start", "pin"),
        (
            '[pins]\nbackend = "mock"\n'
            + RELAY.partition("\n")[2]
            + '[journal]\ndir = "/proc/journal"\n',
            "start",
            "/proc/journal",
        ),
    ],
)
def test_fail__it_runs_without_relay_says_why_and_restarts_at_a_reload(
    tmp_path: Path, text: str, name: str, says: str
) -> None:
    program = Program(tmp_path, (text + STATE + HEALTH).format(tmp_path))
    try:
        program.hear("READY=1")
        assert says in program.failures()[name]
        assert "nothing can open" in program.failures()[name]
        assert "lane" not in program.status(), "no lane is running"
        program.process.send_signal(signal.SIGHUP)
        program.hear("STOPPING=1")
        assert program.process.wait(PATIENCE_S) == 0
    finally:
        program.close()


def test_fail__a_file_that_is_no_toml_is_named_in_the_log(tmp_path: Path) -> None:
    program = Program(tmp_path, "[lane\n")
    try:
        program.hear("READY=1")
        program.process.send_signal(signal.SIGTERM)
        program.hear("STOPPING=1")
        assert program.process.wait(PATIENCE_S) == 0
    finally:
        program.close()
    assert "settings.toml: not valid TOML" in program.log.read_text(encoding="utf-8")


class HurriedClock(SystemClock):
    """A clock that advances by the time between two probes at every reading."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def monotonic(self) -> float:
        self.now_s += PROBE_EVERY_S
        return self.now_s


def test_ok__it_ends_by_itself_once_the_line_is_free() -> None:
    tries = []

    def probe() -> None:
        tries.append(None)
        if len(tries) < 2:
            raise PinError("GPIO 17 is busy")

    health = Health(SystemClock(), lambda _: None)
    reason = {"start": "GPIO 17 is busy"}
    GateWithoutRelay(health, 60.0, HurriedClock(), reason, probe).run()
    assert len(tries) == 2
    assert [failure.sentence for failure in health.failures()] == ["GPIO 17 is busy"]
