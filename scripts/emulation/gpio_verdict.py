# SPDX-License-Identifier: Apache-2.0
"""Usage: gpio_verdict.py OUT_DIR; checks the record of gpio_guest; one line for each promise.

The last line is the total. Exit status 1 if a promise was broken or not checked.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Found = dict[str, Any]


def still(found: Found) -> bool:
    """No edge on either relay line."""
    return found["open"] == [] and found["close"] == []


def one_pulse(found: Found, least_ms: float, most_ms: float) -> bool:
    """OPEN went on and off once, for about this long; no edge of CLOSE."""
    opened = found["open"]
    return (
        found["close"] == []
        and [level for level, _ in opened] == [1, 0]
        and least_ms <= opened[1][1] <= most_ms
    )


def off_soon(found: Found, within_ms: float) -> bool:
    """The relay was off soon after the end of the process, and stayed off."""
    return one_pulse(found, 250, 60_000) and 0 <= found["off_after_ms"] <= within_ms


PROMISES: dict[str, tuple[str, Callable[[Found], bool]]] = {
    "rest": ("start, wait, stop: no edge on an active-high and an active-low relay", still),
    "pulse": ("a pulse of 500 ms is one edge up and one down", lambda f: one_pulse(f, 495, 560)),
    "command": (
        "plategate pulse --ms 300 pulses once",
        lambda f: f["code"] == 0 and one_pulse(f, 295, 360),
    ),
    "sigterm": ("SIGTERM in mid-pulse: off, and nothing else", lambda f: off_soon(f, 1000)),
    "sigkill": ("SIGKILL in mid-pulse: off, and nothing else", lambda f: off_soon(f, 1000)),
    "held_sigkill": ("SIGKILL while held open: off", lambda f: off_soon(f, 1000)),
    "after_sigkill": ("start after SIGKILL: no edge", still),
    "exception": (
        "an exception in mid-pulse: off",
        lambda f: "asked for" in f["stderr"] and one_pulse(f, 250, 3000),
    ),
    "bounce": (
        "a beam that bounces 12 times each way is one break and one end",
        lambda f: f["beam"] == ["inactive", "active", "inactive"],
    ),
    "flood": (
        "after 5000 edges at once the level is the real one",
        lambda f: f["beam"][-1] == "active" and f["beam"].count("active") == 1,
    ),
    "cut": (
        "a cut photocell wire is active within 50 ms, and inactive when repaired",
        lambda f: f["photocell"] == ["inactive", "active", "inactive"] and f["told_after_ms"] < 50,
    ),
    "echo": (
        "ultrasonic: near at 0.60 m, not near at 2.50 m, unknown when silent",
        lambda f: f["distance"] == ["unknown", "active", "inactive", "unknown"],
    ),
    "gate_rest": (
        "the gate itself, start to SIGTERM: no edge",
        lambda f: f["code"] == 0 and still(f),
    ),
    "gate_button": (
        "the gate itself: the manual button opens once, without camera and list",
        lambda f: f["code"] == 0 and one_pulse(f, 395, 480) and f["on_after_ms"] < 500,
    ),
    "gate_killed": (
        "the gate itself, SIGKILL in mid-pulse and start: off, and not repeated",
        lambda f: one_pulse(f, 0, 500),
    ),
    "after_reset": ("reset in mid-pulse, boot, start: no edge", still),
}


def main(folder: Path) -> int:
    """Check every step."""
    proved = 0
    for name, (promise, kept) in PROMISES.items():
        file = folder / f"{name}.json"
        found = json.loads(file.read_text()) if file.exists() else {"failed": "did not run"}
        good = "failed" not in found and kept(found)
        proved += good
        hidden = ("log", "stderr") if good else ()
        shown = {k: v for k, v in found.items() if v not in ("", [], None) and k not in hidden}
        print(f"{'proved' if good else 'BROKEN'}: {promise}: {json.dumps(shown)}")
    plain = folder / "plain_gpiozero.json"
    if plain.exists():
        edges = json.loads(plain.read_text())["close"]
        print(f"for comparison: edges of gpiozero's active-low output at start: {edges}")
    print(f"gpio_machine: {proved} of {len(PROMISES)} promises proved on the kernel's own lines")
    return 0 if proved == len(PROMISES) else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
