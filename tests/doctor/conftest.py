# SPDX-License-Identifier: Apache-2.0
"""A healthy machine made from a folder, for the tests of the doctor."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from plategate.doctor.board import THROTTLED_FILE
from plategate.doctor.examine import examine
from plategate.doctor.results import CheckResult, Machine

HEALTHY_UNIT = "LoadState=loaded\nActiveState=active\nUnitFileState=enabled\nNRestarts=0\n"


class Bench:
    """A healthy machine made from a folder; tests break parts of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.state.mkdir()
        self.unit = HEALTHY_UNIT
        self.owner_of_pins = "root"
        self.watchdog = "14s"
        self.more = ""
        self.put("/dev/gpiochip0", "")
        self.put("/dev/watchdog", "")
        self.put("/sys/class/thermal/thermal_zone0/temp", "48312\n")
        self.put(THROTTLED_FILE, "0\n")
        (folder / "pictures").mkdir()

    def put(self, path: str, text: str) -> None:
        file = self.folder / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def command(self, words: Sequence[str]) -> str | None:
        if words[0] == "stat":
            return self.owner_of_pins
        if words[0] == "systemctl":
            return self.watchdog if "--value" in words else self.unit
        return None

    @property
    def config(self) -> Path:
        file = self.folder / "settings.toml"
        text = f"""
            [journal]
            dir = "{self.state}"
            min_free_mb = 10
            [access]
            file = "{self.state}/lists.sqlite"
            clock_stamp = "{self.state}/stamp"
            [health]
            socket = "{self.folder}/gate.sock"
            crash_dir = "{self.state}/crashes"
            [camera]
            kind = "folder"
            path = "{self.folder}/pictures"
            [pins.open_relay]
            pin = 17
            [pins.beam]
            pin = 22
            {self.more}
        """
        file.write_text("\n".join(line.strip() for line in text.splitlines()), encoding="utf-8")
        return file

    def examine(self) -> dict[str, CheckResult]:
        results = examine(self.config, Machine(self.folder, self.command))
        names = [result.name for result in results]
        assert len(set(names)) == len(names)
        return {result.name: result for result in results}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)
