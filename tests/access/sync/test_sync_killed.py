# SPDX-License-Identifier: Apache-2.0
"""A killed sync leaves the old list or the new one (25 kills here; more with scripts/kill_sync)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[3] / "scripts" / "kill_sync"


def test_ok__killed_sync_leaves_a_whole_list() -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, "--kills", "25", "--entries", "2000"],
        capture_output=True, text=True, check=False, timeout=3000,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "neither 0" in done.stdout
