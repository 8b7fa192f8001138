# SPDX-License-Identifier: Apache-2.0
"""Guards plates.countries, and the two superseded keys that go on working."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from plategate.cli import app
from plategate.errors import SettingsError
from plategate.settings import parse_settings

DE, AT = {"countries": ["de"]}, {"countries": ["at"]}


@pytest.mark.parametrize(
    ("raw", "formats", "registration", "superseded"),
    [
        ({}, (), (), ()),
        ({"plates": DE}, ("de",), ("de",), ()),
        ({"vision": DE}, ("de",), (), ("vision.countries",)),
        ({"access": AT}, (), ("at",), ("access.countries",)),
        ({"vision": DE, "access": AT}, ("de",), ("at",), ("vision.countries", "access.countries")),
        ({"plates": DE, "vision": DE}, ("de",), ("de",), ("vision.countries",)),
    ],
)
def test_ok__one_key_serves_both_and_the_old_keys_go_on_working(
    raw, formats, registration, superseded
):
    settings = parse_settings(raw, "settings.toml")
    assert settings.format_countries == formats
    assert settings.registration_countries == registration
    assert settings.superseded_keys == superseded


@pytest.mark.parametrize("table", ["vision", "access"])
def test_fail__old_and_new_key_that_differ(table):
    with pytest.raises(SettingsError, match=rf"{table}\.countries differ; remove {table}\."):
        parse_settings({"plates": DE, table: AT}, "settings.toml")


def test_ok__check_config_names_superseded_keys(tmp_path: Path):
    file = tmp_path / "settings.toml"
    file.write_text('[vision]\ncountries = ["de"]\n')
    answer = CliRunner().invoke(app, ["check-config", str(file)])
    assert answer.exit_code == 0
    assert f"{file}: vision.countries: superseded by plates.countries" in answer.stdout
