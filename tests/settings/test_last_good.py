# SPDX-License-Identifier: Apache-2.0
"""Guards: invalid settings fall back to the last good ones and are reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from plategate.errors import SettingsError
from plategate.settings.last_good import load_or_last_good

RIGHT = "[journal]\ngranted_days = 3\n"
WRONG = "[journal]\ngranted_days = 0\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "settings.toml"
    file.write_text(RIGHT, encoding="utf-8")
    return file


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return tmp_path / "settings.good.toml"


def test_ok__valid_settings_are_stored(file: Path, copy: Path) -> None:
    settings, wrong = load_or_last_good(file, copy)
    assert (settings.journal.granted_days, wrong) == (3, None)
    assert copy.read_text(encoding="utf-8") == RIGHT


@pytest.mark.parametrize("text", [WRONG, "[journal\n", ""])
def test_ok__an_invalid_file_falls_back_to_the_last_good_one(
    file: Path, copy: Path, text: str
) -> None:
    load_or_last_good(file, copy)
    file.write_text(text, encoding="utf-8") if text else file.unlink()
    settings, wrong = load_or_last_good(file, copy)
    assert settings.journal.granted_days == 3
    assert wrong is not None
    assert "the last good settings are in force" in wrong
    assert copy.read_text(encoding="utf-8") == RIGHT


@pytest.mark.parametrize("kept", [None, WRONG])
def test_fail__an_invalid_file_without_a_valid_copy_raises(
    file: Path, copy: Path, kept: str | None
) -> None:
    if kept is not None:
        copy.write_text(kept, encoding="utf-8")
    file.write_text(WRONG, encoding="utf-8")
    with pytest.raises(SettingsError, match=r"settings\.toml: journal.granted_days = 0"):
        load_or_last_good(file, copy)


def test_ok__an_unwritable_folder_is_no_error(file: Path, tmp_path: Path) -> None:
    settings, wrong = load_or_last_good(file, tmp_path / "missing" / "copy.toml")
    assert (settings.journal.granted_days, wrong) == (3, None)
