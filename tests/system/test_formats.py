# SPDX-License-Identifier: Apache-2.0
"""An upgrade that changes the format of a database and fails leaves the databases as they were."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from plategate.access.store.database import LAYOUT_VERSION
from plategate.journal.database import VERSION

ROOT = Path(__file__).resolve().parents[2]
FORMATS = ROOT / "firmware" / "system" / "formats"
NOTHING_RUNS = "stop_services() { :; }"
JOURNAL, LISTS = "gate/gate/journal.sqlite", "lists/lists.sqlite"


class Machine:
    """Three versions, the last with another format of the journal, and the state of the first."""

    def __init__(self, folder: Path) -> None:
        self.prefix, self.state = folder / "opt", folder / "state"
        for version, journal in (("first", None), ("same", 1), ("other", 2)):
            system = self.prefix / "versions" / version / "system"
            system.mkdir(parents=True)
            if journal:
                (system / "formats").write_text(f"# text\n{JOURNAL} {journal}\n{LISTS} 1\n")
        for name in (JOURNAL, LISTS):
            file = self.state / name
            file.parent.mkdir(parents=True)
            with closing(sqlite3.connect(file)) as database:
                database.execute("PRAGMA journal_mode = WAL")
                database.execute("CREATE TABLE t AS SELECT 'before' AS what")
                database.commit()
            file.chmod(0o640)

    def run(self, *lines: str) -> subprocess.CompletedProcess[str]:
        """Shell lines with the functions of setup; a status other than 0 is returned."""
        script = "\n".join(("set -euo pipefail", ". scripts/setup/common.sh", NOTHING_RUNS, *lines))
        paths = {"PLATEGATE_PREFIX": str(self.prefix), "PLATEGATE_STATE": str(self.state)}
        return subprocess.run(
            ["bash", "-c", script],
            cwd=ROOT, env=os.environ | paths, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def content(self, name: str) -> str:
        with closing(sqlite3.connect(self.state / name)) as database:
            return str(database.execute("SELECT what FROM t").fetchone()[0])


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_ok__the_file_has_the_formats_of_the_program() -> None:
    lines = [line for line in FORMATS.read_text().splitlines() if not line.startswith("#")]
    assert lines == [f"{JOURNAL} {VERSION}", f"{LISTS} {LAYOUT_VERSION}"]


def test_ok__a_failed_upgrade_puts_the_databases_back(machine: Machine) -> None:
    done = machine.run(
        "keep_databases first other",
        f"python3 -c \"import sqlite3; d = sqlite3.connect('$STATE/{JOURNAL}');"
        " d.execute('UPDATE t SET what = 1'); d.commit()\"",
        "return_databases",
    )
    assert done.returncode == 0, done.stderr
    assert "other changes the format of the databases" in done.stdout
    assert (machine.content(JOURNAL), machine.content(LISTS)) == ("before", "before")
    assert (machine.state / JOURNAL).stat().st_mode & 0o777 == 0o640
    assert not list(machine.state.glob(".before*"))


def test_ok__an_upgrade_that_works_leaves_no_copy(machine: Machine) -> None:
    """A copy would keep plates that are erased later."""
    done = machine.run("keep_databases first other", 'test -f "$KEPT/lists/lists.sqlite"')
    assert done.returncode == 0, done.stderr
    assert machine.run("forget_databases").returncode == 0
    assert not list(machine.state.glob(".before*"))


def test_ok__nothing_is_copied_for_equal_formats(machine: Machine) -> None:
    done = machine.run("keep_databases first same", 'test ! -e "$KEPT"', "return_databases")
    assert (done.returncode, done.stdout) == (0, "")


def test_fail__no_way_back_to_a_version_that_cannot_read_the_state(machine: Machine) -> None:
    assert machine.run("reads_state_of first other").returncode == 1
    assert machine.run("reads_state_of first same").returncode == 0
