# SPDX-License-Identifier: Apache-2.0
"""Usage: imported by gpio_guest. Processes that use the board: gpio_user, and the gate itself.

Claiming an input sets the simulator's pull resistor, which also represents the contact here. So
`world` sets every contact again once the lines are claimed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from plategate.errors import GateError
from plategate.health.socket import ask_status

SOCKET = Path("/run/plategate/gate.sock")
LOG = Path("/run/gate.log")
READY_WITHIN_S = 240.0


class User:
    """A process of gpio_user performing one action."""

    def __init__(self, settings: Path, *arguments: str, world: Callable[[], None]) -> None:
        user = Path(__file__).with_name("gpio_user.py")
        self.told: list[dict[str, Any]] = []
        self._process = subprocess.Popen(
            [sys.executable, str(user), str(settings), *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._read_until("claimed")
        world()
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        self._read_until("ready")
        world()  # listening for edges claims the inputs again

    def end(self, number: int | None = None) -> str:
        """Send a signal or wait for the end; returns stderr."""
        if number is not None:
            self._process.send_signal(number)
        out, err = self._process.communicate(timeout=400)
        for line in out.splitlines():
            self._keep(line)
        return err

    def levels(self, name: str) -> list[str]:
        """The levels of an input in the order of their reports."""
        return [told["level"] for told in self.told if told["name"] == name]

    def _read_until(self, word: str) -> None:
        assert self._process.stdout is not None
        while (line := self._process.stdout.readline()) and line != f"{word}\n":
            self._keep(line)

    def _keep(self, line: str) -> None:
        if line.startswith("{"):
            self.told.append(json.loads(line))


class Gate:
    """`plategate run` with these settings, from its start until it is ready."""

    def __init__(self, settings: Path, world: Callable[[], None]) -> None:
        SOCKET.parent.mkdir(exist_ok=True)
        Path("/var/lib/plategate/gate/gate").mkdir(parents=True, exist_ok=True)
        SOCKET.unlink(missing_ok=True)
        command = "from plategate.cli import main; main()"
        with LOG.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", command, "run", "--config", str(settings)],
                stdout=log, stderr=log,
            )  # fmt: skip
        end_s = time.monotonic() + READY_WITHIN_S
        while not self._ready():
            if self._process.poll() is not None or time.monotonic() > end_s:
                raise RuntimeError(f"the gate does not get ready: {self.log()}")
            time.sleep(0.2)
        world()
        time.sleep(1.5)

    def end(self, number: int) -> int:
        """Send a signal and wait; returns the exit status."""
        self._process.send_signal(number)
        return self._process.wait(timeout=120)

    def log(self) -> str:
        """The end of its log."""
        return LOG.read_text()[-600:]

    def _ready(self) -> bool:
        try:
            return bool(ask_status(SOCKET)["ready"])
        except GateError:
            return False
