# SPDX-License-Identifier: Apache-2.0
"""A short run of scripts/simulate_fleet: each event once, whatever is killed and cut off."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "simulate_fleet"


def test_ok__every_event_is_there_once() -> None:
    words = ("rush", "--gates", "10", "--rate", "20", "--seconds", "6", "--break-every", "0.6")
    done = subprocess.run(
        [sys.executable, SCRIPT, *words], capture_output=True, text=True, check=False, timeout=500
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = re.search(r"(\d+) events made, (\d+) stored, 0 lost, 0 twice, 0 that", done.stdout)
    assert found, done.stdout
    assert found[1] == found[2]
    for part in ("broker killed", "database killed", "collector killed"):
        assert re.search(f"'{part}': [1-9]", done.stdout), done.stdout
