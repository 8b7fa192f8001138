# SPDX-License-Identifier: Apache-2.0
"""What the checks of `plategate doctor` share: a finding, and the machine that is looked at.

The machine is a value, so that a test can put a broken one together out of folders.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Light(StrEnum):
    """Green: right. Amber: works, but look at it. Red: the gate cannot do its work like this."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"


@dataclass(frozen=True)
class Finding:
    """What one check found, and what to do about it where it is not green."""

    name: str
    light: Light
    sentence: str
    remedy: str = ""


def green(name: str, sentence: str) -> Finding:
    """All right."""
    return Finding(name, Light.GREEN, sentence)


def amber(name: str, sentence: str, remedy: str) -> Finding:
    """Works, but look at it."""
    return Finding(name, Light.AMBER, sentence, remedy)


def red(name: str, sentence: str, remedy: str) -> Finding:
    """Does not work."""
    return Finding(name, Light.RED, sentence, remedy)


def run_command(words: Sequence[str]) -> str | None:
    """What a program printed; None where it is missing, fails or hangs."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


@dataclass(frozen=True)
class Machine:
    """Where the machine shows itself."""

    root: Path = Path("/")
    command: Callable[[Sequence[str]], str | None] = run_command

    def read(self, path: str) -> str | None:
        """The text of a file of the system; None where it cannot be read."""
        try:
            return (self.root / path.lstrip("/")).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None

    def exists(self, path: str) -> bool:
        """Whether a file of the system is there."""
        return (self.root / path.lstrip("/")).exists()

    def any(self, folder: str, pattern: str) -> list[str]:
        """Names in a folder of the system."""
        return sorted(file.name for file in (self.root / folder.lstrip("/")).glob(pattern))

    def unit(self, unit: str, *properties: str) -> dict[str, str]:
        """Properties of a unit as systemd knows them; empty where there is no systemd."""
        names = ",".join(properties)
        text = self.command(["systemctl", "show", "--property", names, unit]) or ""
        return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
