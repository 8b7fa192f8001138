# SPDX-License-Identifier: Apache-2.0
"""Units, temporary files and settings name the same folder of the one-time code."""

from __future__ import annotations

from plategate.settings.console import CODE_DIR

from .code_machine import SYSTEM, UNIT
from .sandbox import settings_of


def test_ok__the_folder_of_the_settings_is_that_of_tmpfiles_and_units() -> None:
    lines = (SYSTEM / "tmpfiles.d" / "plategate.conf").read_text().splitlines()
    assert [line.split() for line in lines if f" {CODE_DIR} " in line] == [
        ["d", str(CODE_DIR), "0711", "root", "root", "-"]
    ]
    (link,) = [line.split() for line in lines if line.startswith("L+ /etc/issue.d/")]
    assert link[-1] == f"{CODE_DIR}/issue"
    unit = settings_of(UNIT)
    assert str(CODE_DIR) in unit["ReadWritePaths"]
    assert unit["ExecStopPost"][0].split()[2:] == [
        f"{CODE_DIR}/{name}" for name in ("code", "issue", "lamp")
    ]
    path = settings_of(UNIT.with_suffix(".path"))
    assert path["PathExists"] == [f"{CODE_DIR}/code"]
    console = settings_of(UNIT.with_name("plategate-console.service"))
    assert UNIT.name in console["Wants"]
