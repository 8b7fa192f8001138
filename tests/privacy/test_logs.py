# SPDX-License-Identifier: Apache-2.0
"""No log line carries a plate: of a rehearsal, of the units, or of an error in a list."""

from __future__ import annotations

import ast
import logging
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import plategate
from plategate.access.editing import ListEditor
from plategate.access.store.importing import import_list_file
from plategate.access.store.lists import ListName
from plategate.access.sync.checks import SyncOptions
from plategate.access.sync.sync import sync_lists
from plategate.errors import GateError
from plategate.plate_data.mention import Mention
from plategate.rehearsal.pictures import PictureRehearsal, rehearsal_settings
from plategate.settings.sync import SyncSource
from tests.privacy.conftest import PLATE, Device, Fill

DEMO = Path(__file__).parents[1] / "data" / "demo"
PACKAGE = Path(plategate.__file__).parent
LEVELS = {"debug", "info", "warning", "error", "critical", "exception", "log"}
# Values that are, or contain, plates or people.
PERSONAL = {
    "plate", "plates", "plate_text", "reading", "readings", "alternatives", "characters",
    "holder", "owner_name", "verdict", "passage", "entry", "sighting", "document", "detail",
}  # fmt: skip


def mentioned(lines: str, plates: list[str]) -> list[str]:
    return [plate for plate in plates if Mention(plate).is_in(lines)]


def test_ok__no_line_of_a_rehearsal_has_a_plate(
    device: Device, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    pictures = tomllib.loads((DEMO / "expected.toml").read_text())["picture"]
    plates = [found["text"] for found in pictures if found.get("text")]
    import_list_file(device.settings.access, DEMO / "allow.csv", name=ListName.ALLOW, who="x")
    settings = rehearsal_settings(device.settings, tmp_path, device.settings.access.file)
    read: list[str] = []
    files = [DEMO / found["file"] for found in pictures if found.get("text")][:4]
    rehearsal = PictureRehearsal(
        settings,
        files,
        lambda one: read.append(one.passage.reading.text),  # type: ignore[union-attr]
    )
    assert rehearsal.run()
    assert len(read) == len(files)
    assert caplog.records
    assert mentioned(caplog.text, plates + read) == []


def test_ok__no_line_of_a_sync_or_a_change_by_hand_has_a_plate(
    device: Device, fill: Fill, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither if the list is good nor if one of its rows is not."""
    caplog.set_level(logging.DEBUG)
    fill().close()
    settings = device.settings
    options = SyncOptions(datetime.now(UTC), ZoneInfo("UTC"), "timer")
    for number, content in enumerate((
        "plate,until\nM-AB 123,2026-12-01\n",
        "plate,until\nM-AB 123?,2026-12-01\n",
        "plate,until\nM-AB 123,yesterday\n",
        "plate,unknown\nM-AB 123,M-AB 123\n",
        "plate\nM-AB 123 K-XY 789\n",
        "M-AB 123\n",
    )):  # fmt: skip
        file = tmp_path / f"list-{number}.csv"
        file.write_text(content)
        source = SyncSource(name="town", kind="allow", url=str(file))
        sync = settings.sync.model_copy(update={"sources": (source,)})
        sync_lists(sync, settings.access.file, options)
    for fields in ({"plate": PLATE}, {"plate": f"{PLATE}?"}):
        with pytest.raises(GateError):
            ListEditor(settings.access, "owner").add(ListName.ALLOW, fields)
    assert caplog.records
    assert mentioned(caplog.text, [PLATE]) == []


def calls() -> Iterator[tuple[str, ast.Call]]:
    for file in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in LEVELS
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id in ("log", "logger", "logging")
            ):
                yield f"{file.relative_to(PACKAGE)}:{node.lineno}", node


def test_ok__no_value_that_names_a_plate_or_a_person_is_logged() -> None:
    """The units log through these calls alone; ids of passages are allowed."""
    found = []
    for place, call in calls():
        for argument in call.args[1:]:
            value = argument
            # `passage.id` is an id; `passage` itself, or another attribute of it, is not.
            name = (
                value.attr
                if isinstance(value, ast.Attribute)
                else value.id
                if isinstance(value, ast.Name)
                else ""
            )
            if name in PERSONAL:
                found.append(f"{place}: {ast.unparse(argument)}")
    assert found == []
