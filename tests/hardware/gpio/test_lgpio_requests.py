# SPDX-License-Identifier: Apache-2.0
"""The kernel requests of the real lgpio for a relay's line, from claim to release.

gpiozero and lgpio are real; a preloaded /dev/gpiochip0 writes down what is asked of it. Needs gcc
and lgpio; skips with the reason where one is missing.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys
from gpiozero.pins.lgpio import LGPIOFactory
LGPIOFactory._get_revision = lambda self: 0xC03114
from plategate.hardware.gpio.relay import GpioDrive
from plategate.hardware.gpio.factory import open_factory
from plategate.settings.pins import PinsSettings

pin, active_high = int(sys.argv[1]), sys.argv[2] == "high"
pins = PinsSettings.model_validate(
    {"chip": 0, "open_relay": {"pin": pin, "active_high": active_high}}
)
factory = open_factory(pins)
drive = GpioDrive(pins=pins, factory=factory, longest_pulse_s=1)
drive.hold()
drive.release()
drive.shut_down()
"""


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    if importlib.util.find_spec("lgpio") is None:
        pytest.skip("lgpio is not installed")
    source = Path(__file__).with_name("gpiochip_notebook.c")
    library = tmp_path_factory.mktemp("notebook") / "notebook.so"
    built = subprocess.run(
        ["gcc", "-shared", "-fPIC", "-Wall", "-o", str(library), str(source), "-ldl"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "linux/gpio.h" in built.stderr:
        pytest.skip("the kernel's headers are not installed")
    assert built.returncode == 0, built.stderr
    return library


@pytest.mark.parametrize(
    ("pin", "active", "rest", "on", "pull"),
    [(17, "high", 0, 1, "down"), (4, "low", 1, 0, "up")],
)
def test_ok__relay_line_from_claim_to_release(
    notebook: Path, tmp_path: Path, pin: int, active: str, rest: int, on: int, pull: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(pin), active],
        env={**os.environ, "LD_PRELOAD": str(notebook), "LG_WD": str(tmp_path)},
        capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert done.stderr.splitlines() == [
        f"line {pin}: input not pulled",
        f"line {pin}: output pulled {pull} at {rest}",
        f"set {on}",
        f"set {rest}",
        f"set {rest}",
        f"set {rest}",
        f"line {pin}: input pulled {pull}",
    ]
