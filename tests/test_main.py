# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C ends the program without a traceback, also while it is still loading."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest


@pytest.mark.parametrize("after_s", [0.02, 0.1, 0.3, 0.6])
def test_ok__interrupted_at_any_moment_it_says_nothing_ugly(after_s: float) -> None:
    # Python itself shows an interrupt that comes before it runs the first line of ours.
    code = "print(flush=True); from plategate.__main__ import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "list", "import", "/dev/stdin"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(after_s)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert "Traceback" not in said
    assert process.returncode != 0
