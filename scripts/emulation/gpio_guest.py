# SPDX-License-Identifier: Apache-2.0
"""Usage: started by gpio_machine inside the virtual machine; drives the board, records the lines.

Writes one JSON file a step and the raw records to /out; gpio_verdict judges them outside. The first
boot ends in the middle of a pulse with a reset; the second one checks that nothing moved.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from gpio_lines import Board, Edge, Recorder
from gpio_process import Gate, User

OUT = Path("/out")
SETTINGS = Path("/run/settings.toml")
OPEN, CLOSE, BEAM, PHOTOCELL, MANUAL, TRIGGER, ECHO = 17, 4, 5, 6, 20, 23, 24
# The board pulls lines 0 to 8 up; the closed contacts of beam and photocell pull theirs to ground.
PULLED_UP = set(range(9)) - {BEAM, PHOTOCELL}
CPUINFO = "Hardware\t: BCM2711\nRevision\t: c03114\nModel\t\t: Raspberry Pi 4 Model B Rev 1.4\n"


def wait_high(board: Board, line: int, within_s: float = 10.0) -> None:
    """Wait until a relay line is on."""
    end_s = time.monotonic() + within_s
    while not board.level(line):
        if time.monotonic() > end_s:
            raise TimeoutError(f"line {line} did not go high")
        time.sleep(0.001)


def shape(edges: list[Edge]) -> list[list[Any]]:
    """Edges as level and milliseconds since the first edge."""
    return [[int(e.high), round((e.at_s - edges[0].at_s) * 1000, 2)] for e in edges]


class Run:
    """The steps of one boot."""

    def __init__(self) -> None:
        self.board = Board(PULLED_UP)
        self.recorder = Recorder(self.board)
        SETTINGS.write_text(
            f"[pins]\nchip = {self.board.number}\nopen_relay = {{ pin = {OPEN} }}\n"
            f"close_relay = {{ pin = {CLOSE}, active_high = false }}\n"
            f"beam = {{ pin = {BEAM} }}\nphotocell = {{ pin = {PHOTOCELL} }}\n"
            f"manual = {{ pin = {MANUAL} }}\n"
            f"distance = {{ trigger = {TRIGGER}, echo = {ECHO} }}\n"
            "[triggers.distance]\ntemperature_c = 20\nlost_after = 5\n"
            '[camera]\nkind = "v4l2"\n[barrier]\npulse_ms = 400\n'
        )

    def user(self, *arguments: str) -> User:
        """Plategate's board performing one action."""
        return User(SETTINGS, *arguments, world=self.world)

    def world(self) -> None:
        """Connect closed contacts to ground and leave buttons open, whatever pull is set."""
        for line in (BEAM, PHOTOCELL, ECHO):
            self.board.pull(line, False)
        self.board.pull(MANUAL, True)

    def step(self, name: str, action: Callable[[], dict[str, Any]]) -> None:
        """Perform one action and record the lines meanwhile."""
        self.recorder.clear()
        try:
            found = action()
        except Exception as error:
            found = {"failed": f"{type(error).__name__}: {error}"}
        found["open"] = shape(self.recorder.edges(OPEN))
        found["close"] = shape(self.recorder.edges(CLOSE))
        (OUT / f"{name}.json").write_text(json.dumps(found))
        (OUT / f"{name}.record").write_text(self.recorder.text(OPEN, CLOSE) + "\n")
        print(f"guest: {name}: {json.dumps(found)[:300]}", flush=True)

    def rest(self) -> dict[str, Any]:
        """Start, wait two seconds, stop normally."""
        return {"stderr": self.user("rest", "2").end()}

    def pulse(self) -> dict[str, Any]:
        """One pulse of half a second."""
        return {"stderr": self.user("pulse", "0.5").end()}

    def command(self) -> dict[str, Any]:
        """`plategate pulse`, the installer's command."""
        done = subprocess.run(
            [
                sys.executable, "-c", "from plategate.cli import main; main()",
                "pulse", "--yes", "--ms", "300", "--config", str(SETTINGS),
            ],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        return {"code": done.returncode, "out": done.stdout.strip(), "stderr": done.stderr[-500:]}

    def ended_by(self, number: int, mode: str = "pulse") -> dict[str, Any]:
        """A signal 300 ms into a pulse of 20 s."""
        process = self.user(mode, "20")
        wait_high(self.board, OPEN)
        time.sleep(0.3)
        sent_s = time.monotonic()
        process.end(number)
        off = [e.at_s for e in self.recorder.edges(OPEN) if not e.high]
        return {"off_after_ms": round((off[0] - sent_s) * 1000, 2) if off else None}

    def failing(self) -> dict[str, Any]:
        """An exception in the middle of a pulse."""
        return {"stderr": self.user("fail", "20").end()[-200:]}

    def plain(self) -> dict[str, Any]:
        """The behaviour of gpiozero alone with an active-low relay, for comparison."""
        program = (
            "from gpiozero import OutputDevice; from gpiozero.pins.lgpio import LGPIOFactory\n"
            f"f = LGPIOFactory(chip={self.board.number})\n"
            f"OutputDevice({CLOSE}, active_high=False, pin_factory=f).close()\n"
        )
        subprocess.run([sys.executable, "-c", program], check=True, timeout=60, cwd="/run")
        return {}

    def bounce(self) -> dict[str, Any]:
        """A vehicle breaks the beam, and the contact bounces for 50 ms each way."""
        process = self.user("listen", "3")
        for final in (True, False):
            for _ in range(12):
                self.board.pull(BEAM, final)
                time.sleep(0.002)
                self.board.pull(BEAM, not final)
                time.sleep(0.002)
            self.board.pull(BEAM, final)
            time.sleep(1.0)
        process.end()
        return {"beam": process.levels("beam")}

    def flood(self) -> dict[str, Any]:
        """Five thousand edges at full speed, more than the kernel buffers."""
        process = self.user("listen", "300")
        for number in range(5000):
            self.board.pull(BEAM, number % 2 == 0)
        self.board.pull(BEAM, True)
        time.sleep(4.0)
        process.end(signal.SIGTERM)
        self.board.pull(BEAM, False)
        return {"beam": process.levels("beam")}

    def cut(self) -> dict[str, Any]:
        """The photocell's wire is cut and repaired."""
        process = self.user("listen", "3")
        time.sleep(0.5)
        cut_s = time.monotonic()
        self.board.pull(PHOTOCELL, True)
        time.sleep(1.0)
        self.board.pull(PHOTOCELL, False)
        process.end()
        told = [t["told_s"] for t in process.told if t["level"] == "active"]
        return {
            "photocell": process.levels("photocell"),
            "told_after_ms": round((told[0] - cut_s) * 1000, 2) if told else None,
        }

    def echo(self) -> dict[str, Any]:
        """An HC-SR04 that measures 0.60 m, then 2.50 m, then gives no echo."""
        sensor = subprocess.Popen([sys.executable, str(Path(__file__).with_name("gpio_echo.py")),
            str(self.board.file(TRIGGER, "value")), str(self.board.file(ECHO, "pull")),
            "0.60", "2.50", str(OUT / "echo.csv")])  # fmt: skip
        process = self.user("listen", "9")
        process.end()
        sensor.kill()
        sensor.wait()
        direct = (OUT / "echo.csv").read_text().split() if (OUT / "echo.csv").exists() else []
        return {"distance": process.levels("distance"), "pings": len(direct)}

    def gate_rest(self) -> dict[str, Any]:
        """The gate process: start, ready, SIGTERM."""
        gate = Gate(SETTINGS, world=self.world)
        time.sleep(1)
        return {"code": gate.end(signal.SIGTERM), "log": gate.log()}

    def gate_button(self) -> dict[str, Any]:
        """The manual button: the gate writes the grant and opens, without camera and lists."""
        gate = Gate(SETTINGS, world=self.world)
        time.sleep(1)
        pressed_s = time.monotonic()
        self.board.pull(MANUAL, False)
        time.sleep(0.2)
        self.board.pull(MANUAL, True)
        time.sleep(3)
        code = gate.end(signal.SIGTERM)
        on = [e.at_s for e in self.recorder.edges(OPEN) if e.high]
        after_ms = round((on[0] - pressed_s) * 1000, 2) if on else None
        return {"code": code, "on_after_ms": after_ms, "log": gate.log()}

    def gate_killed(self) -> dict[str, Any]:
        """SIGKILL during a granted pulse, and the next start."""
        gate = Gate(SETTINGS, world=self.world)
        self.board.pull(MANUAL, False)
        wait_high(self.board, OPEN, 60)
        gate.end(signal.SIGKILL)
        self.board.pull(MANUAL, True)
        again = Gate(SETTINGS, world=self.world)
        time.sleep(2)
        return {"code": again.end(signal.SIGTERM), "log": again.log()}


def first_boot(run: Run) -> None:
    """All steps, then the reset."""
    run.step("rest", run.rest)
    run.step("pulse", run.pulse)
    run.step("bounce", run.bounce)
    run.step("cut", run.cut)
    run.step("gate_rest", run.gate_rest)
    run.step("gate_button", run.gate_button)
    run.step("gate_killed", run.gate_killed)
    run.step("flood", run.flood)
    run.step("sigterm", lambda: run.ended_by(signal.SIGTERM))
    run.step("sigkill", lambda: run.ended_by(signal.SIGKILL))
    run.step("held_sigkill", lambda: run.ended_by(signal.SIGKILL, "hold"))
    run.step("after_sigkill", run.rest)
    run.step("exception", run.failing)
    run.step("command", run.command)
    run.step("plain_gpiozero", run.plain)
    run.step("echo", run.echo)
    run.user("pulse", "60")
    wait_high(run.board, OPEN)
    (OUT / "reset").write_text("in the middle of a pulse\n")
    os.sync()
    Path("/proc/sysrq-trigger").write_text("b")
    time.sleep(60)


def main() -> None:
    """The first or the second boot."""
    Path("/run/cpuinfo").write_text(Path("/proc/cpuinfo").read_text() + CPUINFO)
    subprocess.run(["mount", "--bind", "/run/cpuinfo", "/proc/cpuinfo"], check=True)
    run = Run()
    if (OUT / "reset").exists():
        run.step("after_reset", run.rest)
    else:
        first_boot(run)
    os.sync()


main()
