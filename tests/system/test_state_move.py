# SPDX-License-Identifier: Apache-2.0
"""Install moves the state of version 0.1 to one folder a user, and may be killed at any moment.

At every moment the version that the link `current` names has its whole state. Nothing is lost by
running the move again, nor by going back to the version before. Some of the steps are tried, all
with ALL_STEPS=1.
"""

from __future__ import annotations

import os
import re
import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MOVE = """
set -euo pipefail
. scripts/setup/common.sh
trap - ERR
step() { :; }
count=0
killed_at() { count=$((count + 1)); [ "$count" -ne "${KILL_AT:-0}" ] || kill -KILL $$; }
set -T
trap killed_at DEBUG
arrange_state "$1"
switch_link current "$1"
settle_state
trap - DEBUG
printf '%s\\n' "$count"
"""
PLACES = {
    "flat": {
        "journal": "journal.sqlite",
        "reserve": "grants.reserve",
        "picture": "evidence/2026/passage.jpg",
        "crash": "crashes/crash-1",
        "settings": "settings.good.toml",
        "stamp": "clock-stamp",
        "visits": "visits.sqlite",
        "lists": "lists.sqlite",
        "good copy": "sources/estate/list",
    },
    "owners": {
        "journal": "gate/gate/journal.sqlite",
        "reserve": "gate/gate/grants.reserve",
        "picture": "gate/gate/evidence/2026/passage.jpg",
        "crash": "gate/gate/crashes/crash-1",
        "settings": "gate/gate/settings.good.toml",
        "stamp": "gate/gate/clock-stamp",
        "visits": "gate/shared/visits.sqlite",
        "lists": "lists/lists.sqlite",
        "good copy": "lists/sources/estate/list",
    },
}
DATABASES = ("journal", "visits", "lists")
CONTENT = {name: f"content of {name}" for name in PLACES["flat"]}


class Machine:
    """A prefix with an old and a new version, and the state of the old one."""

    def __init__(self, folder: Path) -> None:
        self.prefix, self.state = folder / "opt", folder / "state"
        for version, line in (
            ("old", "d /var/lib/plategate 2770"),
            ("new", "d /x/plategate/lists 2750"),
        ):
            conf = self.prefix / "versions" / version / "system" / "tmpfiles.d" / "plategate.conf"
            conf.parent.mkdir(parents=True)
            conf.write_text(line)
        (self.prefix / "current").symlink_to("versions/old")
        for name, place in PLACES["flat"].items():
            file = self.state / place
            file.parent.mkdir(parents=True, exist_ok=True)
            file.parent.chmod(0o2770)
            if name in DATABASES:
                write_and_crash(file, CONTENT[name])
            else:
                file.write_text(CONTENT[name])

    def move(self, version: str, kill_at: int = 0) -> subprocess.CompletedProcess[str]:
        owner = f"{os.getuid()}:{os.getgid()}"
        return subprocess.run(
            ["bash", "-c", MOVE, "_", version],
            cwd=ROOT,
            env={
                "PATH": os.environ["PATH"],
                "PLATEGATE_PREFIX": str(self.prefix),
                "PLATEGATE_STATE": str(self.state),
                "GATE_OWNER": owner,
                "LISTS_OWNER": owner,
                "KILL_AT": str(kill_at),
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def current(self) -> str:
        return (self.prefix / "current").readlink().name

    def content(self) -> dict[str, str]:
        """What the current version finds; opening a database replays its log, as a start does."""
        places = PLACES["flat" if self.current() == "old" else "owners"]
        found = {}
        for name, place in places.items():
            if name in DATABASES:
                with closing(
                    sqlite3.connect(f"file:{self.state / place}?mode=rw", uri=True)
                ) as database:
                    (found[name],) = database.execute("SELECT text FROM found").fetchone()
            else:
                found[name] = (self.state / place).read_text()
        return found

    def files(self) -> set[str]:
        return {
            str(file.relative_to(self.state)) for file in self.state.rglob("*") if file.is_file()
        }


def write_and_crash(file: Path, text: str) -> None:
    """Leave a database whose content is in its write-ahead log alone, as a power cut does."""
    pid = os.fork()
    if pid == 0:
        database = sqlite3.connect(file, isolation_level=None)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE found (text)")
        database.execute("INSERT INTO found VALUES (?)", (text,))
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
    assert file.with_name(file.name + "-wal").stat().st_size > 0


@pytest.mark.parametrize("back", [False, True], ids=["upgrade", "back"])
def test_ok__move_may_be_killed_at_every_step(tmp_path: Path, back: bool) -> None:
    target = "old" if back else "new"

    def machine(name: str) -> Machine:
        made = Machine(tmp_path / name)
        if back:
            assert made.move("new").returncode == 0
        return made

    steps = int(machine("whole").move(target).stdout)
    assert steps > 20
    stride = 1 if "ALL_STEPS" in os.environ else steps // 12
    for kill_at in range(1, steps + 1, stride):
        cut = machine(str(kill_at))
        assert cut.move(target, kill_at).returncode == -signal.SIGKILL
        assert cut.content() == CONTENT, f"killed at step {kill_at} of {steps}"
        again = cut.move(target)
        assert again.returncode == 0, again.stderr
        assert cut.current() == target
        assert cut.content() == CONTENT, f"moved again after step {kill_at}"
        unused = PLACES["flat" if target == "new" else "owners"]
        assert not cut.files() & set(unused.values())


def test_ok__each_file_is_private_to_its_owner(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.move("new")
    modes = {path: path.stat().st_mode & 0o7777 for path in machine.state.rglob("*")}
    for path, mode in modes.items():
        lists = path.is_relative_to(machine.state / "lists")
        folder = 0o2750 if lists else 0o750
        assert mode == (folder if path.is_dir() else 0o640), path


def test_ok__same_layout_changes_nothing(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    machine.move("new")
    before = {path: path.stat().st_ino for path in machine.state.rglob("*")}
    machine.move("new")
    assert {path: path.stat().st_ino for path in machine.state.rglob("*")} == before


def test_ok__unknown_file_is_left_and_named(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    (machine.state / "notes.txt").write_text("mine")
    assert "left in place: " + str(machine.state / "notes.txt") in machine.move("new").stdout
    assert (machine.state / "notes.txt").read_text() == "mine"


def test_fail__copy_does_not_fit(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    (tmp_path / "bin").mkdir()
    stub = tmp_path / "bin" / "df"
    stub.write_text("#!/bin/sh\necho Avail; echo 3\n")
    stub.chmod(0o755)
    before = machine.files()
    os.environ["PATH"], path = f"{stub.parent}:{os.environ['PATH']}", os.environ["PATH"]
    try:
        done = machine.move("new")
    finally:
        os.environ["PATH"] = path
    assert done.returncode == 1
    assert "MB to copy the state, 3 MB are free" in done.stderr
    assert machine.files() == before
    assert machine.content() == CONTENT


def test_ok__no_folder_that_the_units_own_is_called_unknown(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    tmpfiles = (ROOT / "firmware/system/tmpfiles.d/plategate.conf").read_text(encoding="utf-8")
    owned = set(re.findall(r"^d /var/lib/plategate/(\w+)", tmpfiles, re.M))
    for name in owned:
        (machine.state / name).mkdir(parents=True, exist_ok=True)
    assert {"gate", "console"} <= owned
    assert "not known" not in machine.move("new").stdout
