# SPDX-License-Identifier: Apache-2.0
"""Damaged settings and signature files are refused in a sentence (the short form of the drill)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[3] / "scripts" / "fuzz_settings"


def test_ok__damaged_files_are_refused() -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, "--settings", "300", "--signatures", "1000", "--seed", "7"],
        capture_output=True, text=True, check=False, timeout=3000,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
