# SPDX-License-Identifier: Apache-2.0
"""Faults of this machine's disk and of the state folder are named for their source; others go on.

Also: nothing secret is stored, and nobody else's link or folder is used.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from plategate.access.store.lists import ListName
from plategate.access.sync.source import SourceOutcome
from scripts.testbed.web_server import Server, plain, serving

from .list_gate import ONE_MORE, TEN, Gate, allow, outcomes

BLOCK = b"plate\nBAD1\n"


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as server:
        server.serve("/allow.csv", TEN)
        server.serve("/block.csv", BLOCK)
        yield server


@pytest.fixture
def gate(tmp_path: Path, server: Server) -> Gate:
    block = {"name": "banned", "kind": "block", "url": server.url("/block.csv")}
    return Gate(tmp_path / "gate", allow(server), block)


def folder_for_file(name: str) -> Callable[[Path], None]:
    def damage(folder: Path) -> None:
        (folder / name).unlink(missing_ok=True)
        (folder / name / "full").mkdir(parents=True)

    return damage


def somebody_elses(folder: Path) -> None:
    os.chown(folder, 65534, 65534)


@pytest.mark.parametrize(
    "damage",
    [
        folder_for_file("list.json"),
        folder_for_file("list"),
        folder_for_file("download"),
        folder_for_file("set-aside"),
        pytest.param(
            somebody_elses,
            marks=pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away"),
        ),
    ],
    ids=["list.json", "list", "download", "set-aside", "owner"],
)
def test_fail__damaged_state_folder_does_not_stop_the_others(
    gate: Gate, server: Server, damage: Callable[[Path], None]
) -> None:
    assert gate.sync().all_well
    damage(gate.folder / "sources" / "estate")
    server.serve("/allow.csv", ONE_MORE)
    server.serve("/block.csv", BLOCK + b"BAD2\n")
    report = gate.sync()
    assert report.results[0].message
    assert report.results[1].outcome is SourceOutcome.NEW
    assert gate.plates(ListName.BLOCK) == {"BAD1", "BAD2"}
    assert len(gate.plates()) in (10, 11)


def test_fail__full_disk_is_named_for_its_source(gate: Gate, server: Server) -> None:
    """RLIMIT_FSIZE stands for the full disk: the large list does not fit, the small one does."""
    server.serve("/allow.csv", b"plate\n" + b"".join(b"AB%dCDE\n" % n for n in range(20_000)))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        report = gate.sync()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    assert outcomes(report) == [SourceOutcome.FAILED, SourceOutcome.NEW]
    assert "File too large" in report.results[0].message
    assert gate.plates(ListName.BLOCK) == {"BAD1"}


def test_fail__store_that_cannot_be_written_is_in_the_report(gate: Gate) -> None:
    gate.store.mkdir(parents=True)
    report = gate.sync()
    assert outcomes(report) == [SourceOutcome.NEW, SourceOutcome.NEW]
    assert str(gate.store) in report.failures[0]


def test_fail__second_sync_at_the_same_time(gate: Gate) -> None:
    assert gate.sync().all_well
    hold = (
        "import fcntl, sys\n"
        "lock = open(sys.argv[1], 'r+')\n"
        "fcntl.lockf(lock, fcntl.LOCK_EX)\n"
        "print('locked', flush=True)\n"
        "sys.stdin.read()\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", hold, str(gate.folder / "sources" / "lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert other.stdout is not None and other.stdout.readline() == b"locked\n"
    report = gate.sync()
    assert report.failures == ("another list sync is running; try again when it has finished",)
    other.communicate()
    assert gate.sync().all_well


def test_ok__password_of_an_address_is_not_stored(gate: Gate, server: Server) -> None:
    secret = server.url("/allow.csv?key=geheim").replace("//", "//owner:geheim@")
    server.serve("/allow.csv?key=geheim", TEN)
    gate.configure(allow(server, url=secret))
    assert gate.sync().all_well
    server.answers["/allow.csv?key=geheim"] = plain(404)
    assert "geheim" not in gate.sync().results[0].message
    for file in (gate.folder / "sources").rglob("*"):
        assert file.is_dir() or b"geheim" not in file.read_bytes(), file


def test_ok__password_stored_by_an_older_version_is_removed(gate: Gate, server: Server) -> None:
    gate.sync()
    state = gate.folder / "sources" / "estate" / "list.json"
    old = json.loads(state.read_text())
    for name in ("address", "expires", "stated"):
        del old[name]
    old["url"] = server.url("/allow.csv").replace("//", "//owner:geheim@")
    state.write_text(json.dumps(old))
    assert gate.sync().all_well
    assert "geheim" not in state.read_text()


@pytest.mark.parametrize("name", ["list", "list.json", "download", "set-aside", "list.json.part"])
def test_fail__planted_link_is_not_followed(gate: Gate, server: Server, name: str) -> None:
    """No file of the folder is read or written through a link, whatever the server sends."""
    victim = gate.folder / "victim"
    gate.sync()
    victim.write_bytes(b"untouched")
    planted = gate.folder / "sources" / "estate" / name
    planted.unlink(missing_ok=True)
    planted.symlink_to(victim)
    for content in (ONE_MORE, b"plate\n", TEN):
        server.serve("/allow.csv", content)
        gate.sync(force=True)
    assert victim.read_bytes() == b"untouched"


def test_fail__folder_that_is_a_link_is_refused(gate: Gate, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (gate.folder / "sources").mkdir(parents=True)
    (gate.folder / "sources" / "estate").symlink_to(elsewhere)
    assert "is not a folder" in gate.sync().results[0].message
    assert not list(elsewhere.iterdir())


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A temporary folder that other users can reach, unlike pytest's."""
    with TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_ok__root_steps_down_to_the_owner_of_the_state(server: Server, open_path: Path) -> None:
    """`sudo plategate list sync` writes as the owner of the folder, so it harms no other file."""
    state = open_path / "state"
    state.mkdir()
    os.chown(state, 65534, 65534)
    config = open_path / "settings.toml"
    config.write_text(
        f'[[sync.sources]]\nname = "s"\nkind = "allow"\nurl = "{server.url("/allow.csv")}"\n'
    )
    command = ["list", "sync", "--config", str(config), "--state", str(state)]
    done = subprocess.run(
        [sys.executable, "-m", "plategate", *command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    made = list(state.rglob("*"))
    assert {file.name for file in made} >= {"lists.sqlite", "list", "list.json"}
    assert {file.stat().st_uid for file in made} == {65534}


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("command", [["list", "import"], ["records", "import"]])
def test_ok__root_imports_as_the_owner_of_the_lists(open_path: Path, command: list[str]) -> None:
    """A file that only root may read is imported; a link of the owner leads root nowhere."""
    state, victim = open_path / "state", open_path / "victim"
    state.mkdir()
    os.chown(state, 65534, 65534)
    listed = open_path / "list.csv"
    listed.write_bytes(TEN)
    listed.chmod(0o600)
    words = [sys.executable, "-m", "plategate", *command, str(listed), "--state", str(state)]
    (state / "lists.sqlite").symlink_to(victim)
    failed = subprocess.run(words, capture_output=True, text=True, check=False)
    assert failed.returncode == 1 and "lists.sqlite" in failed.stderr
    assert not victim.exists()
    (state / "lists.sqlite").unlink()
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {file.stat().st_uid for file in state.rglob("*")} == {65534}
    assert (state / "lists.sqlite").stat().st_mode & 0o777 == 0o640
