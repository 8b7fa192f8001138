# SPDX-License-Identifier: Apache-2.0
"""`plategate run` in a process of its own; the test receives its systemd notifications."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

from plategate.health.socket import ask_status

PATIENCE_S = 60.0
HEALTH = (
    '[health]\nsocket = "{0}/gate.sock"\ncrash_dir = "{0}/crashes"\n'
    '[commands]\nsocket = "{0}/command.sock"\n'
)
# Prints a line as soon as the program holds back SIGHUP: an earlier signal meets Python itself.
EARLY = """
import signal
real = signal.pthread_sigmask
def first(*mask):
    signal.pthread_sigmask = real
    real(*mask)
    print(flush=True)
signal.pthread_sigmask = first
from plategate.__main__ import main
main()
"""


class Program:
    """`plategate run --config FOLDER/settings.toml`; `early` signals are sent at its first line."""

    def __init__(self, folder: Path, text: str, early: signal.Signals | None = None) -> None:
        self.folder = folder
        self._notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notified.bind(str(folder / "notify.sock"))
        self._notified.settimeout(PATIENCE_S)
        self.write(text)
        self.log = folder / "log"
        start = ["-m", "plategate"] if early is None else ["-c", EARLY]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, *start, "run", "--config", folder / "settings.toml"],
                env={**os.environ, "NOTIFY_SOCKET": str(folder / "notify.sock")},
                stdout=subprocess.PIPE,
                stderr=log,
            )
        if early is not None:
            assert self.process.stdout is not None
            self.process.stdout.readline()
            self.process.send_signal(early)

    def write(self, text: str) -> None:
        """Replace the settings file."""
        (self.folder / "settings.toml").write_text(text, encoding="utf-8")

    def hear(self, *words: str) -> None:
        """Check the next notifications to systemd, apart from watchdog messages."""
        for word in words:
            heard = "WATCHDOG=1"
            while heard == "WATCHDOG=1":
                heard = self._notified.recv(4096).decode()
            assert heard == word, self.log.read_text(encoding="utf-8")

    def status(self) -> dict[str, object]:
        """The status document."""
        return ask_status(self.folder / "gate.sock")

    def failures(self) -> dict[str, str]:
        """The sentences of the present failures, by name."""
        return {failure["name"]: failure["sentence"] for failure in self.status()["failures"]}

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait(PATIENCE_S)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self._notified.close()
