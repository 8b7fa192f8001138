# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C ends the program without a traceback, also while it is still loading."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

# An interrupt before the first line of the program makes Python itself print a traceback. So the
# program prints a line once its own handler is installed.
PROGRAM = """
import signal
real = signal.signal
def first(*handler):
    signal.signal = real
    real(*handler)
    print(flush=True)
signal.signal = first
from plategate.__main__ import main
main()
"""


@pytest.mark.parametrize("after_s", [0.0, 0.02, 0.1, 0.3, 0.6])
def test_ok__interrupt_at_any_moment_prints_no_traceback(tmp_path: Path, after_s: float) -> None:
    os.mkfifo(tmp_path / "list.csv")  # nothing is written to it, so the command waits for ever
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "list", "import", tmp_path / "list.csv"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(after_s)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=300)
    assert "Traceback" not in said
    assert process.returncode != 0
