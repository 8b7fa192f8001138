# SPDX-License-Identifier: Apache-2.0
"""A store that cannot be used is let go of, however often it is tried."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from plategate.access.store import open_for_reading, open_for_writing
from plategate.errors import StoreError


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


def test_fail__store_of_a_later_version_is_closed_again(tmp_path: Path) -> None:
    file = tmp_path / "lists.sqlite"
    store = open_for_writing(file)
    store.execute("PRAGMA user_version = 99")
    store.close()
    with pytest.raises(StoreError, match="layout 99") as caught:
        open_for_reading(file)
    assert open_files(file) == 0, caught
