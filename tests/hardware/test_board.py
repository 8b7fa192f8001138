# SPDX-License-Identifier: Apache-2.0
"""A board is opened according to the settings, and relays are off however its process ends.

The process is a real one with a pulse running and lines in memory that write down every level. A
kill leaves no time to do anything: that is the wiring's part, and scripts/emulation/gpio_machine's.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from plategate.clock import SystemClock
from plategate.hardware.board import open_board, open_inputs
from plategate.hardware.camera.base import CameraDriver
from plategate.hardware.gpio.factory import open_factory
from plategate.messages import InputName
from plategate.settings import Settings, parse_settings

WIRED = {
    "pins": {
        "backend": "mock",
        "open_relay": {"pin": 17},
        "close_relay": {"pin": 4, "active_high": False},
        "beam": {"pin": 5},
        "distance": {},
        "red": {"pin": 20},
        "ir_lamp": {"pin": 22},
    },
    "camera": {"kind": "v4l2"},
    "triggers": {"motion": {"enabled": True}},
}

PROGRAM = """
import signal, sys, threading
from plategate.clock import SystemClock
from plategate.hardware import board
from plategate.hardware.gpio import factory as gpio_factory
from plategate.settings import parse_settings

how = sys.argv[1]
made = gpio_factory.open_factory(parse_settings({"pins": {"backend": "mock"}}, "t").pins)
board.open_factory = lambda pins: made
settings = parse_settings(
    {"pins": {"backend": "mock", "open_relay": {"pin": 17}}, "camera": {"kind": "v4l2"}}, "t"
)
line = made.pin(17)
opened = board.open_board(
    pins=settings.pins, triggers=settings.triggers, lamps=settings.lamps,
    camera=settings.camera, clock=SystemClock(), longest_pulse_s=60,
    lamp_file=settings.console.lamp_file,
)
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
try:
    opened.drive.open(50)
    print("pulsing", flush=True)
    if how == "exception":
        raise RuntimeError("the worker failed")
    if how == "term":
        stop.wait(300)
finally:
    opened.close()
    print(*(int(state.state) for state in line.states), line.function, flush=True)
"""


def opened(raw: dict[str, object]) -> tuple[Settings, object]:
    settings = parse_settings(raw, "t")
    board = open_board(
        pins=settings.pins,
        triggers=settings.triggers,
        lamps=settings.lamps,
        camera=settings.camera,
        clock=SystemClock(),
        longest_pulse_s=2.0,
        lamp_file=settings.console.lamp_file,
    )
    return settings, board


def test_ok__everything_wired_is_opened() -> None:
    _, board = opened(WIRED)
    wired = frozenset[InputName]().union(*(each.wired() for each in board.inputs))
    assert wired == {InputName.BEAM, InputName.DISTANCE, InputName.MOTION}
    board.drive.close(0.2)
    board.close()
    board.close()


def test_ok__the_lamp_reads_the_code_that_root_gives_to_the_gate(tmp_path: Path) -> None:
    settings, board = opened({**WIRED, "console": {"code_dir": str(tmp_path)}})
    assert board.lamps._code() == ""
    settings.console.lamp_file.write_text("12345678\n", encoding="utf-8")
    assert board.lamps._code() == "12345678"
    board.close()


def test_ok__motion_works_with_every_camera_driver() -> None:
    class OtherCamera(CameraDriver):
        running = False

    settings = parse_settings(WIRED, "t")
    factory, clock = open_factory(settings.pins), SystemClock()
    camera = OtherCamera(settings=settings.camera, clock=clock, label="other")
    inputs = open_inputs(
        pins=settings.pins, triggers=settings.triggers, factory=factory, clock=clock,
        call_later=lambda *_: None, camera=camera,
    )  # fmt: skip
    assert InputName.MOTION in frozenset[InputName]().union(*(each.wired() for each in inputs))
    for each in inputs:
        each.close()
    factory.close()


@pytest.mark.parametrize("how", ["end", "exception", "term"])
def test_ok__relay_is_off_however_the_process_ends(how: str) -> None:
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, how],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "pulsing\n"
        if how == "term":
            process.send_signal(signal.SIGTERM)
        # Not `communicate`: it would skip what was buffered with the first line.
        out, err = process.stdout.read(), process.stderr.read()
    assert out == "0 1 0 input\n", err
