# SPDX-License-Identifier: Apache-2.0
"""Guards changes of settings.toml: only what is asked for changes, where it belongs."""

from __future__ import annotations

from pathlib import Path

import pytest

from plategate.errors import SettingsError
from plategate.settings.edit import edit_settings, edited

DEFAULTS = Path(__file__).parents[2] / "firmware/system/settings.toml"


def test_ok__keys_of_the_installed_file_are_set_where_they_stand_as_comments() -> None:
    before = DEFAULTS.read_text(encoding="utf-8")
    changes = {"lane.name": "Hof", "pins.open_relay.pin": 17, "pins.open_relay.active_high": True}
    after = edited(before, changes, "settings.toml")
    changed = set(after.splitlines()) - set(before.splitlines())
    assert changed == {"[pins.open_relay]", "pin = 17", "active_high = true", 'name = "Hof"'}
    lines = after.splitlines()
    assert lines[lines.index('name = "Hof"') - 1].startswith("# name of the lane")
    sources = [{"name": "a", "kind": "allow", "url": "https://a.example/l.csv"}]
    text = edited("[sync]\n", {"sync.sources": sources}, "t") + "# note\n"
    both = edited(text, {"sync.sources": [*sources, {**sources[0], "name": "b"}]}, "t")
    assert both.count("[[sync.sources]]") == 2
    assert edited(both, {"sync.sources": sources}, "t").count("[[sync.sources]]") == 1


def test_ok__owner_and_mode_of_the_file_stay(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("# ours\n[lane]\nname = 'a'  # north\n", encoding="utf-8")
    file.chmod(0o640)
    edit_settings(file, {"lane.attempts": 2, "plates.countries": ["de"]})
    assert file.stat().st_mode & 0o777 == 0o640
    assert file.read_text() == (
        "# ours\n[lane]\nname = 'a'  # north\nattempts = 2\n\n[plates]\ncountries = [\"de\"]\n"
    )


def test_fail__an_invalid_change_leaves_the_file(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("[lane]\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"lane\.attempts = 99: must be at most 20"):
        edit_settings(file, {"lane.attempts": 99})
    assert file.read_text() == "[lane]\n"
    assert [path.name for path in tmp_path.iterdir()] == ["settings.toml"]
