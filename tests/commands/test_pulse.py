# SPDX-License-Identifier: Apache-2.0
"""Guards: `plategate pulse` moves nothing without confirmation, and never closes on a vehicle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from gpiozero.pins.mock import MockFactory
from typer.testing import CliRunner

from plategate.cli import app

OPEN, CLOSE, PHOTOCELL = 17, 27, 6

Pulse = Callable[..., Any]


class KeptFactory(MockFactory):  # type: ignore[misc]
    """Lines in memory whose history outlives the command."""

    def close(self) -> None:
        """Keep everything."""


@pytest.fixture
def factory(monkeypatch: pytest.MonkeyPatch) -> KeptFactory:
    kept = KeptFactory()
    monkeypatch.setattr("plategate.hardware.board.open_factory", lambda _: kept)
    return kept


@pytest.fixture
def pulse(tmp_path: Path, factory: KeptFactory) -> Pulse:
    config = tmp_path / "settings.toml"
    config.write_text(
        f"[pins]\nopen_relay = {{ pin = {OPEN} }}\nclose_relay = {{ pin = {CLOSE} }}\n"
        f"photocell = {{ pin = {PHOTOCELL} }}\n[barrier]\npulse_ms = 50\n",
        encoding="utf-8",
    )
    return lambda *more, answer=None: CliRunner().invoke(
        app, ["pulse", *more, "--config", str(config)], input=answer
    )


def history(factory: KeptFactory, number: int) -> list[bool]:
    return [bool(state.state) for state in factory.pin(number).states]


@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
def test_fail__without_confirmation_nothing_is_claimed(
    pulse: Pulse, factory: KeptFactory, answer: str
) -> None:
    result = pulse(answer=answer)
    assert result.exit_code == 1
    assert "GPIO 17 for 50 ms" in result.stdout
    assert factory.pins == {}


def test_ok__yes_pulses_once(pulse: Pulse, factory: KeptFactory) -> None:
    result = pulse(answer="y\n")
    assert result.exit_code == 0, result.output
    assert history(factory, OPEN) == [False, True, False]
    assert history(factory, CLOSE) == [False]


def test_fail__close_is_refused_while_the_photocell_is_active(
    pulse: Pulse, factory: KeptFactory
) -> None:
    result = pulse("close", "--yes")  # nothing holds the closed contact to ground: cut wire
    assert "CLOSE is refused while photocell is active" in str(result.exception)
    assert f"GPIO{CLOSE}" not in {pin.info.name for pin in factory.pins.values()}


def test_ok__close_when_the_lane_is_clear(
    pulse: Pulse, factory: KeptFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "plategate.hardware.gpio.inputs._Contact.start",
        lambda self, now_s: (
            factory.pin(PHOTOCELL).drive_low(), self.reread(now_s), self.debounce.settle(1e12)
        ),
    )  # fmt: skip
    result = pulse("close", "--yes")
    assert result.exit_code == 0, result.exception
    assert history(factory, CLOSE) == [False, True, False]


PROGRAM = """
import signal, sys
# nohup and background jobs of a shell make their children ignore these
for number in signal.SIGHUP, signal.SIGQUIT:
    signal.signal(number, signal.SIG_DFL)
signal.signal(signal.SIGINT, signal.default_int_handler)
from plategate.hardware.gpio.relay import Relay
on, off = Relay._switch_on, Relay._switch_off
def switch_on(self):
    on(self)
    print("on", flush=True)
def switch_off(self):
    off(self)
    print("off", flush=True)
Relay._switch_on, Relay._switch_off = switch_on, switch_off
sys.argv = ["plategate", "pulse", "--yes", "--ms", "5000", "--config", sys.argv[1]]
from plategate.__main__ import main
main()
"""


@pytest.mark.parametrize(
    "numbers",
    [
        [signal.SIGTERM],
        [signal.SIGHUP],
        [signal.SIGINT],
        [signal.SIGQUIT],
        [signal.SIGUSR1],
        [signal.SIGTERM] * 5,
        [signal.SIGINT, signal.SIGTERM, signal.SIGHUP],
        [signal.SIGTSTP, signal.SIGTERM],
    ],
    ids=lambda numbers: "-".join(number.name for number in numbers),
)
def test_fail__a_signal_during_the_pulse_switches_the_relay_off(
    tmp_path: Path, numbers: list[signal.Signals]
) -> None:
    config = tmp_path / "settings.toml"
    config.write_text(
        '[pins]\nbackend = "mock"\nopen_relay = { pin = 17 }\n'
        "[barrier]\nlongest_pulse_ms = 5000\npulse_ms = 400\n",
        encoding="utf-8",
    )
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(config)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONWARNINGS": "ignore"},
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "on\n"
        for number in numbers:
            process.send_signal(number)
        output, err = process.stdout.read(), process.stderr.read()
    assert output.splitlines()[-1:] == ["off"], err
    assert "pulsed" not in output
    assert process.returncode not in (0, *(-number for number in numbers)), err
    assert "Traceback" not in err


def test_ok__a_signal_that_is_ignored_stays_ignored(pulse: Pulse, factory: KeptFactory) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert pulse("--yes").exit_code == 0
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
    assert history(factory, OPEN) == [False, True, False]
