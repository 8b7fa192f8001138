# SPDX-License-Identifier: Apache-2.0
"""What a command writes for a person is whole or not there, whatever the disk does."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from plategate.errors import StoreError
from plategate.output_files import new_folder, whole_file
from tests.conftest import FullDisk

LONG = bytes(100_000)


def test_ok__the_file_is_there_when_the_block_has_ended(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    with whole_file(file, mode=0o600) as stream:
        stream.write(b"new")
        assert not file.exists()
    assert file.read_bytes() == b"new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("old", [None, b"old"])
def test_fail__a_full_disk_changes_nothing(
    tmp_path: Path, full_disk: FullDisk, old: bytes | None
) -> None:
    file = tmp_path / "a.csv"
    if old:
        file.write_bytes(old)
    with full_disk(10_000), pytest.raises(OSError), whole_file(file) as stream:
        stream.write(LONG)
    assert [(each, each.read_bytes()) for each in tmp_path.iterdir()] == (
        [(file, old)] if old else []
    )


def test_ok__a_replaced_file_keeps_its_mode_and_a_link_stays_one(tmp_path: Path) -> None:
    file, link = tmp_path / "a", tmp_path / "link"
    file.write_bytes(b"old")
    file.chmod(0o640)
    link.symlink_to(file)
    with whole_file(link) as stream:
        stream.write(b"new")
    assert link.is_symlink()
    assert (file.read_bytes(), stat.S_IMODE(file.stat().st_mode)) == (b"new", 0o640)


def test_ok__a_pipe_is_written_and_stays_a_pipe(tmp_path: Path) -> None:
    pipe, found = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: found.append(pipe.read_bytes()))
    reader.start()
    with whole_file(pipe) as stream:
        stream.write(b"new")
    reader.join(10)
    assert found == [b"new"]
    assert pipe.is_fifo()
    with whole_file(Path("/dev/null")) as stream:
        stream.write(b"new")
    assert Path("/dev/null").is_char_device()


@pytest.mark.parametrize("existed", [False, True])
def test_fail__a_folder_is_left_as_it_was(
    tmp_path: Path, full_disk: FullDisk, existed: bool
) -> None:
    folder = tmp_path / "new"
    if existed:
        folder.mkdir()
    with full_disk(10_000), pytest.raises(OSError), new_folder(folder):
        (folder / "pictures").mkdir()
        (folder / "pictures/first.jpg").write_bytes(b"short")
        (folder / "second").write_bytes(LONG)
    assert folder.exists() == existed
    assert not existed or not list(folder.iterdir())


def test_fail__a_folder_with_files_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "kept").write_bytes(b"mine")
    with pytest.raises(StoreError, match="is not empty"), new_folder(tmp_path):
        pass
    assert (tmp_path / "kept").read_bytes() == b"mine"
