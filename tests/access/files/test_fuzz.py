# SPDX-License-Identifier: Apache-2.0
"""Guards list files against random input: 5,000 cells and files; more with scripts/fuzz_lists."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[3] / "scripts" / "fuzz_lists"


def test_ok__random_cells_and_files_are_read_right_or_refused() -> None:
    done = subprocess.run(
        [sys.executable, SCRIPT, "--cells", "5000", "--files", "5000", "--seed", "7"],
        capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    cells, files = done.stdout.splitlines()
    assert "accepted" in cells
    assert "refused" in cells
    assert "read" in files
    assert "refused" in files
