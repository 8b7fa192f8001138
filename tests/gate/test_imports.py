# SPDX-License-Identifier: Apache-2.0
"""What the gate's process does not load: libraries of other processes cost memory and time."""

from __future__ import annotations

import subprocess
import sys

# HTTP clients and servers, terminal output, documents, databases, message brokers.
OF_OTHERS = (
    *("httpx", "ssl", "anyio", "starlette", "uvicorn", "jinja2", "apprise", "paho", "psycopg"),
    *("rich", "pygments", "fpdf", "xlsxwriter", "python_calamine", "cryptography", "argon2"),
)


def test_ok__the_gate_loads_no_library_of_another_process() -> None:
    script = (
        "import sys, plategate.gate.build, plategate.vision.build;"
        f"print(*[name for name in {OF_OTHERS!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == []
