# SPDX-License-Identifier: Apache-2.0
"""Guards the list database: a connection that fails to open is closed."""

from __future__ import annotations

import errno
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from plategate.access.control import open_access
from plategate.access.store.database import open_for_reading, open_for_writing
from plategate.access.visits import VisitStore
from plategate.errors import SettingsError, StoreError
from plategate.settings import load_settings
from plategate.settings.access import AccessSettings
from plategate.values import CharacterReading, PlateReading, Reason

NOW = datetime(2026, 3, 2, tzinfo=UTC)
DENIED = "Permission denied; use sudo, or join the groups plategate and plategate-settings"


def forbidden(*_: object, **__: object) -> object:
    raise PermissionError(errno.EACCES, "Permission denied")


def open_files(file: Path) -> int:
    links = [link.readlink() for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return sum(link == file for link in links)


@pytest.mark.parametrize("opened", [open_for_reading, open_for_writing])
def test_fail__damaged_file_is_closed_again(opened: Callable[..., object], tmp_path: Path) -> None:
    file = tmp_path / "lists.sqlite"
    file.write_bytes(b"this is no database, but long enough to look like one" * 100)
    # The caught error holds the frame in which the file was opened.
    with pytest.raises(StoreError, match=r"lists\.sqlite"):
        opened(file)
    assert open_files(file) == 0


def test_fail__a_permission_error_names_the_group_to_join(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "lists.sqlite"
    access = open_access(AccessSettings(file=file))
    monkeypatch.setattr(Path, "stat", forbidden)
    for look in (open_for_reading, open_for_writing):
        with pytest.raises(StoreError, match=DENIED):
            look(file)
    with pytest.raises(StoreError, match=DENIED):
        VisitStore(tmp_path / "visits.sqlite").inside()
    verdict = access.judge(PlateReading((CharacterReading("A", 0.9),), "t"), NOW, True)
    assert verdict.reason is Reason.STORE_FAILED
    monkeypatch.setattr("plategate.settings.DEFAULT_FILE", file)
    monkeypatch.setattr(Path, "open", forbidden)
    with pytest.raises(SettingsError, match=DENIED):
        load_settings()


def test_fail__a_database_of_a_later_version_is_closed_again(tmp_path: Path) -> None:
    file = tmp_path / "lists.sqlite"
    store = open_for_writing(file)
    store.execute("PRAGMA user_version = 99")
    store.close()
    with pytest.raises(StoreError, match="layout version 99") as caught:
        open_for_reading(file)
    assert open_files(file) == 0, caught
