# SPDX-License-Identifier: Apache-2.0
"""A command that shows, checks, tries or refuses something creates no state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

from plategate.cli import app
from tests.privacy.conftest import make_device

# The words to try each command with, on a device that has no state yet.
TRIED = {
    "check-config": ["{config}"],
    "console ca": [],
    "console token list": [],
    "console token revoke": ["scraper"],
    "decide": ["KAAB123"],
    "doctor": [],
    "journal check": [],
    "journal export": [],
    "journal passage": ["p1"],
    "journal report": ["--out", "{out}/report.html"],
    "journal show": [],
    "list check": [],
    "list diff": [],
    "list edit": ["KAAB123", "--note", "x"],
    "list export": ["{out}/out.csv"],
    "list follow": ["KAAB123"],
    "list history": [],
    "list import": ["{out}/in.csv", "--dry-run"],
    "list inside": [],
    "list remove": ["KAAB123"],
    "list show": [],
    "list sync": ["--dry-run"],
    "list template": ["{out}/template.xlsx"],
    "list undo": [],
    "occupancy": [],
    "outbound failed": [],
    "outbound status": [],
    "privacy export": ["KAAB123", "{out}/request"],
    "privacy held": [],
    "privacy hold": ["p1", "--why", "dispute"],
    "privacy readmit": ["KAAB123"],
    "privacy release": ["p1", "--why", "dispute"],
    "privacy report": [],
    "read": ["{out}/none.jpg"],
    "records lookup": ["KAAB123"],
    "samples export": ["{out}/samples"],
    "samples list": [],
    "samples remove": ["--all"],
    "settings": [],
    "status": [],
    "watch": [],
}
# These write state, settings or a backup, run until they are ended, or ask a running gate.
WRITE = {
    "aim", "backup", "bench", "close", "configure", "console", "console code", "console token add",
    "hold", "list add", "list preview", "list serve", "mode", "occupancy set", "open",
    "outbound retry", "outbound run", "outbound test", "privacy erase", "pulse", "records import",
    "release", "reset", "restore", "run", "samples correct", "samples off", "samples on",
    "settings reset", "settings set", "still", "trigger", "verify-bundle",
    "collector erase", "collector migrate", "collector run", "collector status",
}  # fmt: skip
WITHOUT_CONFIG = ("check-config", "list template")


def commands(command: Any, name: str = "") -> set[str]:
    """The names of a command and of those below it, if it does something itself."""
    if not isinstance(command, TyperGroup):
        return {name}
    below = {
        one for key, each in command.commands.items() for one in commands(each, f"{name} {key}")
    }
    own = {name} if command.invoke_without_command and name else set()
    return {each.strip() for each in below | own}


def test_ok__every_command_is_known_to_these_tests() -> None:
    assert commands(typer.main.get_command(app)) == TRIED.keys() | WRITE


@pytest.mark.parametrize("command", TRIED)
def test_ok__nothing_is_created(tmp_path: Path, command: str) -> None:
    device, out = make_device(tmp_path), tmp_path / "out"
    out.mkdir()
    (out / "in.csv").write_text("plate,holder\nKA AB 123,Anna\n", encoding="utf-8")
    words = [each.format(config=device.config, out=out) for each in TRIED[command]]
    options = [] if command in WITHOUT_CONFIG else ["--config", str(device.config)]
    before = sorted(device.folder.rglob("*"))
    done = CliRunner().invoke(app, [*command.split(), *words, *options])
    assert done.exit_code in (0, 1), done.output
    assert sorted(device.folder.rglob("*")) == before
