# SPDX-License-Identifier: Apache-2.0
"""Each user can write only its own state, and plategate-sync can read nothing of the gate.

The folders are made as tmpfiles.d says, with unused user numbers, and the firmware's own code
runs as these users. Needs root, which alone may become another user.
"""

from __future__ import annotations

import os
import pickle
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from plategate.access.store.database import open_for_reading, open_for_writing
from plategate.access.store.lists import ListName, all_entries
from plategate.access.sync.checks import SyncOptions
from plategate.access.sync.sync import sync_lists
from plategate.access.visits import Direction, EntryUse, VisitStore
from plategate.durable_files import replace_file
from plategate.journal import open_journal
from plategate.journal.reader import EventFilter, JournalReader
from plategate.plate_data.hashing import plate_key
from plategate.settings import Settings
from plategate.storage import open_for_writing as open_database
from plategate.values import Passage, Reason, Result, Verdict

SYSTEM = Path(__file__).resolve().parents[2] / "firmware" / "system"
PLATE = b"SECRET77"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
UNITS = ("plategate", "plategate-sync", "plategate-outbound", "plategate-console")
NUMBERS = {"root": 0} | {name: 64201 + n for n, name in enumerate((*UNITS, "plategate-settings"))}

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")


@dataclass(frozen=True)
class User:
    """A user of sysusers.d: number, primary group, further groups."""

    uid: int
    groups: tuple[int, ...]

    def run(self, work: Callable[[], Any]) -> Any:
        """What `work` returns in a child process of this user; its OSError is returned as well."""
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.setgroups(self.groups[1:])
            os.setresgid(*[self.groups[0]] * 3)
            os.setresuid(*[self.uid] * 3)
            os.umask(0o027)
            try:
                answer = work()
            except BaseException as error:
                answer = error if isinstance(error, OSError) else RuntimeError(repr(error))
            os.write(write, pickle.dumps(answer))
            os._exit(0)
        os.close(write)
        with os.fdopen(read, "rb") as stream:
            content = stream.read()
        os.waitpid(pid, 0)
        answer = pickle.loads(content)
        if isinstance(answer, RuntimeError):
            raise answer
        return answer


def users() -> dict[str, User]:
    """The users as sysusers.d declares them, with the numbers above."""
    groups: dict[str, list[int]] = {}
    for line in (SYSTEM / "sysusers.d" / "plategate.conf").read_text().splitlines():
        kind, *words = line.split()
        if kind == "u":
            groups[words[0]] = [NUMBERS[words[1].removeprefix("-:")]]
        elif kind == "m" and words[1] in NUMBERS:
            groups[words[0]].append(NUMBERS[words[1]])
    return {name: User(NUMBERS[name], tuple(found)) for name, found in groups.items()}


class Machine:
    """A root folder with the state folders of tmpfiles.d."""

    def __init__(self, root: Path) -> None:
        self.state = root / "var/lib/plategate"
        self.etc = root / "etc/plategate"
        for line in (SYSTEM / "tmpfiles.d" / "plategate.conf").read_text().splitlines():
            kind, *words = line.split()
            if kind == "d":
                self._folder(root / words[0][1:], int(words[1], 8), words[2], words[3])
        lane, lists = self.state / "gate/gate", self.state / "lists"
        source = root / "allow.csv"
        source.write_text("plate\nAB12CDE\n")
        self.settings = Settings.model_validate(
            {
                "access": {
                    "file": lists / "lists.sqlite",
                    "visits_file": self.state / "gate/shared/visits.sqlite",
                    "clock_stamp": lane / "clock-stamp",
                },
                "journal": {"dir": lane, "min_free_mb": 10},
                "sync": {
                    "state_dir": lists / "sources",
                    "sources": [{"name": "estate", "kind": "allow", "url": str(source)}],
                },
            }
        )

    @staticmethod
    def _folder(path: Path, mode: int, user: str, group: str) -> None:
        path.mkdir(parents=True)
        os.chown(path, NUMBERS[user], NUMBERS[group])
        path.chmod(mode)

    def run_gate(self) -> None:
        """Write what a gate writes, and leave the newest passage in the write-ahead log."""
        journal = open_journal(self.settings.journal)
        verdict = Verdict(Result.GRANTED, Reason.ALLOWED, plate=PLATE.decode())
        journal.record(Passage("p", "gate", NOON, "beam", verdict))
        visit = EntryUse("p", PLATE.decode(), None, Direction.IN, NOON)
        VisitStore(self.settings.access.visits_file).note(visit)
        replace_file(self.settings.access.clock_stamp, b"2026")
        replace_file(self.settings.journal.dir / "settings.good.toml", b"")
        (self.settings.journal.dir / "crashes").mkdir()
        (self.settings.journal.dir / "crashes" / "crash-1").write_bytes(PLATE)
        os._exit(0)  # like a power cut: the log of the journal stays

    def sync(self) -> bool:
        options = SyncOptions(NOON, ZoneInfo("UTC"), "test")
        return sync_lists(self.settings.sync, self.settings.access.file, options).all_well

    def plates(self) -> list[str]:
        store = open_for_reading(self.settings.access.file)
        return [entry.plate for entry in all_entries(store, ListName.ALLOW)]


@pytest.fixture
def machine() -> Iterator[Machine]:
    root = Path(tempfile.mkdtemp())
    root.chmod(0o755)
    yield Machine(root)
    shutil.rmtree(root)


def leave_behind(user: User, work: Callable[[], None]) -> None:
    """Run `work` as the user in a process that ends without closing anything."""
    with suppress(EOFError):
        user.run(work)


def attempts(file: Path) -> dict[str, Callable[[], object]]:
    """Ways to read, change or replace a file or folder."""
    planted = file.with_name("planted")
    found: dict[str, Callable[[], object]] = {
        "read": lambda: os.open(file, os.O_RDONLY),
        "write": lambda: os.open(file, os.O_WRONLY),
        "remove": file.unlink,
        "rename": lambda: file.rename(file.with_name("renamed")),
        "replace": lambda: (planted.write_bytes(b""), planted.replace(file)),
        "link": lambda: planted.symlink_to("/etc/passwd"),
        "hard link": lambda: os.link(file, Path(tempfile.gettempdir()) / f"stolen-{file.name}"),
        "change mode": lambda: file.chmod(0o777),
        "change owner": lambda: os.chown(file, os.getuid(), -1),
    }
    if file.suffix == ".sqlite":
        found["add a table to"] = lambda: open_database(file, 1.0).execute("CREATE TABLE x (x)")
    return found


def test_fail__sync_reads_and_changes_nothing_of_the_gate(machine: Machine) -> None:
    leave_behind(users()["plategate"], machine.run_gate)
    files = sorted((machine.state / "gate").rglob("*"))
    names = {file.name for file in files}
    assert names >= {
        "journal.sqlite", "journal.sqlite-wal", "visits.sqlite", "clock-stamp",
        "settings.good.toml", "crash-1",
    }  # fmt: skip
    assert PLATE in (machine.state / "gate/gate/journal.sqlite-wal").read_bytes()
    before = {file: file.lstat() for file in files}
    sync = users()["plategate-sync"]
    for file in (machine.state / "gate", *files):
        for name, attempt in attempts(file).items():
            answer = sync.run(lambda attempt=attempt: fails(attempt))
            assert answer, f"plategate-sync could {name} {file}"
    assert {file: file.lstat() for file in (machine.state / "gate").rglob("*")} == before


def test_ok__outbound_reads_the_journal_and_changes_nothing_of_the_gate(machine: Machine) -> None:
    leave_behind(users()["plategate"], machine.run_gate)
    outbound = users()["plategate-outbound"]
    folder = machine.settings.journal.dir

    def read() -> list[str]:
        return [str(each.document["id"]) for each in JournalReader(folder).events_after(0)]

    assert outbound.run(read) == ["p"]
    files = sorted((machine.state / "gate").rglob("*"))
    for file in (machine.state / "gate", *files):
        for name, attempt in attempts(file).items():
            if name not in ("read", "hard link"):
                answer = outbound.run(lambda attempt=attempt: fails(attempt))
                assert answer, f"plategate-outbound could {name} {file}"


def test_ok__nobody_else_reads_the_state_of_outbound(machine: Machine) -> None:
    """It holds the key of the hashes that are sent in place of plates."""
    folder = machine.state / "outbound"
    outbound = users()["plategate-outbound"]
    key = outbound.run(lambda: plate_key(None, folder))
    assert outbound.run(lambda: plate_key(None, folder)) == key
    for name in ("plategate", "plategate-sync"):
        assert isinstance(users()[name].run((folder / "plate.key").read_bytes), PermissionError)


def test_ok__attempts_work_for_the_owner(machine: Machine) -> None:
    """Otherwise the tests below would prove nothing."""
    gate = users()["plategate"]
    leave_behind(gate, machine.run_gate)
    folder = machine.state / "gate/gate"
    for name in attempts(folder / "journal.sqlite"):
        file = folder / f"copy-{name}.sqlite"
        shutil.copy(folder / "journal.sqlite", file)
        os.chown(file, NUMBERS["plategate"], NUMBERS["plategate"])
        (folder / "planted").unlink(missing_ok=True)
        attempt = attempts(file)[name]
        assert not gate.run(lambda attempt=attempt: fails(attempt)), name
        (Path(tempfile.gettempdir()) / f"stolen-{file.name}").unlink(missing_ok=True)


def fails(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except Exception:
        return True
    return False


def test_ok__gate_reads_lists_that_the_sync_writes(machine: Machine) -> None:
    gate, sync = users()["plategate"], users()["plategate-sync"]
    assert sync.run(machine.sync) is True
    assert gate.run(machine.plates) == ["AB12CDE"]
    leave_behind(sync, lambda: (open_for_writing(machine.settings.access.file), os._exit(0)))
    assert gate.run(machine.plates) == ["AB12CDE"]


def changes(user: User, folder: Path) -> list[str]:
    """What a user can do to a folder and its files besides reading and linking them."""
    return [
        f"{name} {file}"
        for file in (folder, *sorted(folder.rglob("*")))
        for name, attempt in attempts(file).items()
        if name != "read"
        and not (name == "hard link" and file.is_file())
        and not user.run(lambda attempt=attempt: fails(attempt))
    ]


def test_fail__gate_changes_no_list(machine: Machine) -> None:
    assert users()["plategate-sync"].run(machine.sync) is True
    assert changes(users()["plategate"], machine.state / "lists") == []


def test_ok__console_reads_journal_and_lists_and_changes_neither(machine: Machine) -> None:
    leave_behind(users()["plategate"], machine.run_gate)
    assert users()["plategate-sync"].run(machine.sync) is True
    console = users()["plategate-console"]
    reader = JournalReader(machine.settings.journal.dir)
    assert console.run(lambda: len(reader.newest(9, EventFilter()))) == 1
    assert console.run(machine.plates) == ["AB12CDE"]
    assert changes(console, machine.state / "gate/gate") == []
    assert changes(console, machine.state / "lists") == []


def test_fail__nobody_else_reads_accounts_and_keys_of_the_console(machine: Machine) -> None:
    secret = machine.state / "console" / "console.sqlite"
    users()["plategate-console"].run(lambda: secret.write_text("hash"))
    assert secret.read_text() == "hash"
    for name in ("plategate", "plategate-sync"):
        assert isinstance(users()[name].run(secret.read_text), PermissionError)


def test_ok__users_of_the_units_read_settings_and_no_other_user_does(machine: Machine) -> None:
    file = machine.etc / "settings.toml"
    file.write_text("")
    os.chown(file, 0, NUMBERS["plategate-settings"])
    file.chmod(0o640)
    for name in UNITS:
        assert users()[name].run(file.read_text) == ""
        assert isinstance(users()[name].run(lambda: file.write_text("x")), PermissionError)
    assert isinstance(User(64299, (64299,)).run(file.read_text), PermissionError)
