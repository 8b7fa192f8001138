# SPDX-License-Identifier: Apache-2.0
"""Guards: `plategate configure` suggests the lines of docs/.../wiring.md and asks for every one."""

from __future__ import annotations

import re
from pathlib import Path

from typer.testing import CliRunner

from plategate.cli import app
from plategate.configure.wiring import LAMPS, MAIN_CONTACTS, MORE_CONTACTS, SUGGESTED
from plategate.errors import SettingsError

ROOT = Path(__file__).parents[2]


def test_ok__the_suggested_lines_are_those_of_the_wiring_page() -> None:
    (page,) = (ROOT / "docs").rglob("wiring.md")
    layout = page.read_text(encoding="utf-8")
    found = {
        name: int(pin) for name, pin in re.findall(r"^(\w+) = \{ pin = (\d+) \}", layout, re.M)
    }
    assert {name: SUGGESTED[name] for name in found} == found
    asked = {each.name for each in (*MAIN_CONTACTS, *MORE_CONTACTS)} | LAMPS.keys()
    assert asked | {"open_relay", "close_relay"} == SUGGESTED.keys()


def test_fail__an_invalid_file_is_not_touched(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("[lane]\nnme = 'x'\n", encoding="utf-8")
    done = CliRunner().invoke(app, ["configure", "--config", str(file)])
    assert isinstance(done.exception, SettingsError)
    assert "lane.nme: unknown key" in str(done.exception)
