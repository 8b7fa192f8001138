# SPDX-License-Identifier: Apache-2.0
"""A command that shows, checks, tries or refuses something creates no state."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
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
WITHOUT_CONFIG = ("check-config", "list template")


def commands(command: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """A command and those below it, with their names."""
    yield name, command
    for key, each in getattr(command, "commands", {}).items():
        yield from commands(each, f"{name} {key}".strip())


def test_ok__every_dry_run_is_tried() -> None:
    """Those of the collector work on a PostgreSQL server, and have tests of their own."""
    known = dict(commands(typer.main.get_command(app)))
    assert known.keys() >= TRIED.keys()
    dry = {name for name, each in known.items() if "dry_run" in {p.name for p in each.params}}
    assert {name for name in dry if not name.startswith("collector ")} <= TRIED.keys()


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
