# SPDX-License-Identifier: Apache-2.0
"""A gate whose console is busy grants the same vehicles; scripts/console_load has the times."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_ok__visitors_of_the_console_cost_no_vehicle_its_grant() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/console_load", "tests/data/demo", "14"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    granted = re.findall(r"(\d+) granted of (\d+)", done.stdout)
    assert len(granted) == 2
    assert granted[0] == granted[1]
    assert int(granted[0][0]) > 0
    pages, events, failed = map(int, re.findall(r"(\d+) (?:pages|events|requests)", done.stdout))
    assert pages > 0 and events > 0
    assert failed == 0
