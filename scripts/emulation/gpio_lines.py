# SPDX-License-Identifier: Apache-2.0
"""Usage: imported by gpio_guest. Simulated GPIO lines, and a record of every write to them.

The record is made by kernel probes on the simulator itself: it sees every write of every program,
from outside gpiozero and lgpio, and loses none.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

CONFIG = Path("/sys/kernel/config/gpio-sim/board")
TRACING = Path("/sys/kernel/tracing")
LINES = 28
# Arguments by register, in the x86-64 calling convention.
PROBES = (
    "p:sim/set gpio_sim:gpio_sim_set line=%si:u32 value=%dx:s32",
    "p:sim/several gpio_sim:gpio_sim_set_multiple mask=+0(%si):u64 bits=+0(%dx):u64",
    "p:sim/out gpio_sim:gpio_sim_direction_output line=%si:u32 value=%dx:s32",
    "p:sim/in gpio_sim:gpio_sim_direction_input line=%si:u32",
    "p:sim/free gpio_sim:gpio_sim_free line=%si:u32",
)
EVENT = re.compile(
    r"-(\d+)\s.*?(\d+\.\d+): (set|several|out|in|free): .*?"
    r"(?:line=(\d+)(?: value=(-?\d+))?|mask=(\d+) bits=(\d+))"
)


@dataclass(frozen=True)
class Edge:
    """A change of level: line, level, monotonic time, process."""

    line: int
    high: bool
    at_s: float
    pid: int


class Board:
    """A chip with the lines of a Pi's header; `pulled_up` are those that the board pulls up."""

    def __init__(self, pulled_up: set[int]) -> None:
        self.pulled_up = pulled_up
        (CONFIG / "bank").mkdir(parents=True)
        (CONFIG / "bank/num_lines").write_text(str(LINES))
        (CONFIG / "bank/label").write_text("pinctrl-bcm2711")
        (CONFIG / "live").write_text("1")
        chip = (CONFIG / "bank/chip_name").read_text().strip()
        device = (CONFIG / "dev_name").read_text().strip()
        self.number = int(chip.removeprefix("gpiochip"))
        self._lines = Path(f"/sys/devices/platform/{device}/{chip}")
        for line in range(LINES):
            self.pull(line, line in pulled_up)

    def pull(self, line: int, high: bool) -> None:
        """Set the level of an input from outside."""
        self.file(line, "pull").write_text("pull-up" if high else "pull-down")

    def level(self, line: int) -> bool:
        """Read the level of a line from outside."""
        return self.file(line, "value").read_text().strip() == "1"

    def file(self, line: int, name: str) -> Path:
        """The simulator's file for a line."""
        return self._lines / f"sim_gpio{line}/{name}"


class Recorder:
    """Every write to the outputs since `clear`."""

    def __init__(self, board: Board) -> None:
        self._board = board
        (TRACING / "trace_clock").write_text("mono")
        # Opened with os.open: this file does not support the seek of Python's append mode.
        events = os.open(TRACING / "kprobe_events", os.O_WRONLY | os.O_APPEND)
        for probe in PROBES:
            os.write(events, f"{probe}\n".encode())
        os.close(events)
        (TRACING / "events/sim/enable").write_text("1")
        (TRACING / "tracing_on").write_text("1")
        self.clear()

    def clear(self) -> None:
        """Start a new record."""
        (TRACING / "trace").write_text("")

    def text(self, *lines: int) -> str:
        """The raw record of some lines."""
        return "\n".join(raw for raw in self._raw() if any(_write(raw, n) for n in lines))

    def edges(self, line: int) -> list[Edge]:
        """Changes of level; a line that is not driven has the level of its pull resistor."""
        rest = line in self._board.pulled_up
        high, found = rest, []
        for raw in self._raw():
            write = _write(raw, line)
            if write is None:
                continue
            pid, at_s, driven = write
            now_high = rest if driven is None else driven
            if now_high != high:
                high = now_high
                found.append(Edge(line, high, at_s, pid))
        return found

    def _raw(self) -> list[str]:
        return [raw for raw in (TRACING / "trace").read_text().splitlines() if EVENT.search(raw)]


def _write(raw: str, line: int) -> tuple[int, float, bool | None] | None:
    """Writes to a line: process, time, driven high or low, or (None) no longer driven."""
    event = EVENT.search(raw)
    assert event is not None
    pid, at_s, what, number, value, mask, bits = event.groups()
    if what == "several":
        if not int(mask) >> line & 1:
            return None
        return int(pid), float(at_s), bool(int(bits) >> line & 1)
    if int(number) != line:
        return None
    return int(pid), float(at_s), None if what in ("in", "free") else int(value) != 0
