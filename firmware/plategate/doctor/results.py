# SPDX-License-Identifier: Apache-2.0
"""Shared by the checks of `plategate doctor`: the result of a check, and access to the machine.

The machine is a value, so that a test can build a broken one from a folder.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from plategate.errors import reason_of


class Light(StrEnum):
    """Green: in order. Amber: works, needs attention. Red: the gate cannot work like this."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"


@dataclass(frozen=True)
class CheckResult:
    """The result of one check, and what to do if it is not green."""

    name: str
    light: Light
    sentence: str
    remedy: str = ""


@dataclass(frozen=True)
class RunningGate:
    """The answer of the running gate to a status request, or why there is none."""

    status: dict[str, Any] | None = None
    reason: str = ""
    other_settings: str | None = None

    def part(self, name: str) -> dict[str, Any] | None:
        """One table of the status; None without a running gate or if it does not report it."""
        found = None if self.status is None else self.status.get(name)
        return found if isinstance(found, dict) else None


def green(name: str, sentence: str) -> CheckResult:
    """The check passed."""
    return CheckResult(name, Light.GREEN, sentence)


def amber(name: str, sentence: str, remedy: str) -> CheckResult:
    """It works but needs attention."""
    return CheckResult(name, Light.AMBER, sentence, remedy)


def red(name: str, sentence: str, remedy: str) -> CheckResult:
    """The gate cannot work like this."""
    return CheckResult(name, Light.RED, sentence, remedy)


def run_command(words: Sequence[str]) -> str | None:
    """The output of a program; None if it is missing, fails or hangs."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


@dataclass(frozen=True)
class Machine:
    """The files and commands that describe the machine."""

    root: Path = Path("/")
    command: Callable[[Sequence[str]], str | None] = run_command

    def read(self, path: str) -> str | None:
        """The text of a system file; None if it cannot be read."""
        try:
            return (self.root / path.lstrip("/")).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None

    def exists(self, path: str) -> bool:
        """Whether a system file exists."""
        return (self.root / path.lstrip("/")).exists()

    def any(self, folder: str, pattern: str) -> list[str]:
        """The sorted names in a system folder that match a pattern."""
        return sorted(file.name for file in (self.root / folder.lstrip("/")).glob(pattern))

    def unit(self, unit: str, *properties: str) -> dict[str, str]:
        """Properties of a systemd unit; empty if there is no systemd."""
        names = ",".join(properties)
        text = self.command(["systemctl", "show", "--property", names, unit]) or ""
        return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def run_checks(checks: Mapping[str, Callable[[], CheckResult]]) -> Iterator[CheckResult]:
    """Run checks by name; one that fails is a result of its own and stops no other."""
    for name, check in checks.items():
        try:
            yield check()
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            yield amber(name, f"{where}{reason_of(error)}", "sudo plategate doctor")
        except Exception as error:
            yield red(name, f"the check itself failed: {error!r}", "please report this line")
