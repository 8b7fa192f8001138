# SPDX-License-Identifier: Apache-2.0
"""Guards the settings file of `plategate configure` against others who change or protect it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from plategate.configure.draft import Draft
from plategate.errors import SettingsError
from plategate.settings import load_settings

NOBODY = 65534


@pytest.mark.parametrize("before", [None, "[lane]\nname = 'old'\n"])
def test_fail__what_somebody_else_wrote_meanwhile_is_kept(
    tmp_path: Path, before: str | None
) -> None:
    file = tmp_path / "settings.toml"
    if before is not None:
        file.write_text(before)
    draft = Draft(file)
    draft.change({"lane.name": "answered"})
    file.write_text("[lane]\nname = 'by hand'\n")
    with pytest.raises(SettingsError, match=r"changed while .* answers are in .*toml\.new"):
        draft.write()
    assert load_settings(file).lane.name == "by hand"
    assert load_settings(file.with_name("settings.toml.new")).lane.name == "answered"


@pytest.fixture
def folder_of_root() -> Iterator[Path]:
    """A folder that others may read; tmp_path is closed to them."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become another user")
@pytest.mark.parametrize("name", ["settings.toml", "new/settings.toml"])
def test_fail__without_permission_nothing_is_asked(folder_of_root: Path, name: str) -> None:
    os.seteuid(NOBODY)
    try:
        with pytest.raises(SettingsError, match=r"cannot be written: Permission denied; use sudo"):
            Draft(folder_of_root / name)
    finally:
        os.seteuid(0)
