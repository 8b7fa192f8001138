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

# Python itself shows an interrupt that comes before our first line: this says when it has run.
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
def test_ok__interrupted_at_any_moment_it_says_nothing_ugly(tmp_path: Path, after_s: float) -> None:
    os.mkfifo(tmp_path / "list.csv")  # nobody writes into it: the command waits there for good
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
