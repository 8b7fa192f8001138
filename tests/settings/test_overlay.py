# SPDX-License-Identifier: Apache-2.0
"""Guards: what the owner changed applies over the file, is checked, and never stops a gate."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from plategate.cli import app
from plategate.errors import SettingsError
from plategate.gate.startup import load_startable
from plategate.settings import Settings, load_file, load_layers, load_settings
from plategate.settings.describe import lines_of
from plategate.settings.overlay import (
    OwnerValue,
    overlaid,
    owner_fields,
    read_overlay,
    write_overlay,
)

# Lines, users, files and the console itself are the installer's.
FORBIDDEN_TABLES = {
    "pins",
    "barrier",
    "commands",
    "console",
    "sync",
    "outbound",
    "health",
    "vision",
}


def changed(value: object) -> OwnerValue:
    return OwnerValue(value, "owner:anna", "more guests", "2026-05-01T10:00:00+00:00", None)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A settings file whose owner's changes are next to it."""
    made = tmp_path / "settings.toml"
    made.write_text(
        f'[commands]\nowner_settings_file = "{tmp_path}/owner.json"\n'
        '[access]\n# the strict one\nstrictness = "exact"\n[journal]\ngranted_days = 5\n',
        encoding="utf-8",
    )
    return made


def write(file: Path, **values: object) -> None:
    items = {key.replace("__", "."): changed(value) for key, value in values.items()}
    write_overlay(file.parent / "owner.json", items)


def test_ok__what_the_owner_changed_applies_over_the_file(file: Path) -> None:
    hours = [{"hours": "Mon-Fri 22:00-06:00", "mode": "locked"}]
    write(file, access__strictness="likely", lane__schedule=hours, camera__roi=[0.1, 0, 0.5, 1])
    settings = load_settings(file)
    assert settings.access.strictness == "likely"
    assert settings.lane.schedule[0].mode == "locked"
    assert settings.camera.roi == (0.1, 0.0, 0.5, 1.0)
    assert settings.journal.granted_days == 5
    assert load_file(file).access.strictness == "exact"
    assert read_overlay(file.parent / "owner.json")["access.strictness"].who == "owner:anna"


def test_ok__neither_wiring_nor_security_can_be_changed() -> None:
    keys = owner_fields(Settings)
    assert {"access.strictness", "journal.granted_days", "lane.schedule", "camera.roi"} <= set(keys)
    assert not {key.split(".")[0] for key in keys} & FORBIDDEN_TABLES
    with pytest.raises(SettingsError, match=r"pins\.open_relay: can be changed in settings"):
        overlaid(Settings(), {"pins.open_relay": changed({"pin": 4})})


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("access__strictness", "any", "access.strictness = 'any': must be"),
        ("journal__granted_days", 0, "journal.granted_days = 0: must be at least 1"),
        ("journal__granted_days", True, "cannot be true or false"),
        ("commands__users", {}, "commands.users: can be changed in settings.toml only"),
        ("camera__roi", [0.5, 0.5, 0.9, 0.9], "roi must lie within the picture"),
        ("gone__key", 1, "gone.key: can be changed in settings.toml only"),
    ],
)
def test_fail__an_invalid_value_is_left_out_and_the_others_apply(
    file: Path, key: str, value: object, said: str
) -> None:
    write(file, **{"access__min_confidence": 0.7, key: value})
    found = load_layers(file)
    assert found.settings.access.min_confidence == 0.7
    assert set(found.owner) == {"access.min_confidence"}
    (sentence,) = found.ignored
    assert said in sentence


def test_fail__root_forbids_every_change_by_a_setting(file: Path) -> None:
    write(file, access__strictness="likely")
    file.write_text(file.read_text().replace("[commands]", "[commands]\nowner_settings = false"))
    found = load_layers(file)
    assert found.settings.access.strictness == "exact"
    assert "access.strictness: set in the console, but commands.owner_settings" in found.ignored[0]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"schema": 2, "values": {}}', '{"schema": 1, "values": {"a.b": {}}}']
)
def test_fail__a_damaged_file_is_named_and_the_installers_settings_apply(
    file: Path, text: str
) -> None:
    (file.parent / "owner.json").write_text(text)
    found = load_layers(file)
    assert found.settings == found.base
    assert "owner.json: is damaged" in found.ignored[0]


def test_fail__a_gate_that_could_not_start_with_a_change_starts_without(file: Path) -> None:
    write(file, lane__schedule=[{"hours": "never", "mode": "open"}], access__min_confidence=0.7)
    settings = load_startable(file)
    assert settings.lane.schedule == ()
    assert settings.access.min_confidence == 0.5


def test_ok__the_line_of_a_key_is_found_also_where_it_is_a_comment(file: Path) -> None:
    text = file.read_text() + "#[camera]\n# width (px)\n#width = 1536\n[camera.day]\ngain = 2\n"
    lines = lines_of(text)
    assert lines["access.strictness"] == 5
    assert lines["camera.width"] == 10
    assert lines["camera.day.gain"] == 12
    assert lines["camera.day"] == 12
    assert "lane.mode" not in lines


def test_ok__every_default_is_the_same_after_a_change_of_another_key() -> None:
    again = overlaid(Settings(), {"access.min_confidence": changed(0.5)})
    assert again.model_dump() == Settings().model_dump()
    assert json.loads(Settings().model_dump_json())["access"]["strictness"] == "exact"


def test_fail__check_config_names_a_change_that_does_not_apply(file: Path) -> None:
    write(file, access__strictness="any")
    done = CliRunner().invoke(app, ["check-config", str(file)])
    assert done.exit_code == 0
    assert "set in the console: access.strictness = 'any': must be" in done.output
