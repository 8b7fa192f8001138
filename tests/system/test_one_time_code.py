# SPDX-License-Identifier: Apache-2.0
"""The one-time code is shown to root, to the gate's lamp and on login screens, and to nobody else.

Folders are made as tmpfiles.d says, and files are read as real users. Needs root, which alone may
become another user.
"""

from __future__ import annotations

import os
import pwd
from collections.abc import Callable
from pathlib import Path

import pytest

from plategate.console.code_announcing import Announcer
from plategate.console.one_time_code import CODE_FILE
from plategate.settings import load_settings

from .code_machine import CONSOLE, GATE, OTHER, Machine, user

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")


def reads(name: str, file: Path) -> bool:
    return not isinstance(user(name).run(file.read_text), OSError)


def test_ok__each_file_is_read_by_one_user_and_changed_by_root_alone(machine: Machine) -> None:
    machine.announcer().make()
    files = machine.shown
    assert {name: file.stat().st_mode & 0o777 for name, file in files.items()} == {
        "code": 0o600, "issue": 0o600, "lamp": 0o400,
    }  # fmt: skip
    readers = {
        name: {each for each in (CONSOLE, GATE, OTHER) if reads(each, file)}
        for name, file in files.items()
    }
    assert readers == {"code": set(), "issue": set(), "lamp": {GATE}}
    attempts: tuple[Callable[[Path], object], ...] = (
        lambda file: file.write_text("0"),
        lambda file: file.unlink(),
        lambda file: file.rename(file.with_name("x")),
        lambda file: file.with_name("y").write_text("0"),
        lambda file: list(file.parent.iterdir()),
    )
    for name in (CONSOLE, GATE, OTHER):
        for file in files.values():
            for attempt in attempts:
                answer = user(name).run(lambda attempt=attempt, file=file: attempt(file))
                assert isinstance(answer, OSError), (name, file)


def test_ok__root_reads_code_and_address(machine: Machine) -> None:
    code = machine.announcer().make()
    text = machine.shown["code"].read_text()
    assert f"One-time code: {code[:4]}-{code[4:]}\n" in text
    assert "https://plategate.local:8443/setup" in text
    assert machine.shown["lamp"].read_text() == f"{code}\n"


@pytest.mark.parametrize(
    ("lines", "address"),
    [
        ('port = 443\nnames = ["gate.example.org"]', "https://gate.example.org/setup"),
        ('address = "127.0.0.1"\nport = 9000', "https://127.0.0.1:9000/setup"),
        ('address = "2001:db8::7"', "https://[2001:db8::7]:8443/setup"),
        (r'names = ["a\\4b", "gate"]', "https://gate:8443/setup"),
    ],
)
def test_ok__the_address_is_that_of_the_settings(
    machine: Machine, lines: str, address: str
) -> None:
    config = machine.config.read_text()
    machine.config.write_text(config.replace("[console]", f"[console]\n{lines}"))
    Announcer(load_settings(machine.config)).make()
    assert f"Open {address}\n" in machine.shown["code"].read_text()
    assert f"Open {address}" in machine.shown["issue"].read_text()


def test_ok__a_console_without_owner_gets_a_code_and_one_with_an_owner_none(
    machine: Machine,
) -> None:
    announcer = machine.announcer()
    assert announcer.begin()
    code = announcer.display.code()
    assert code is not None
    owner = (machine.root / "console" / CODE_FILE).stat().st_uid
    assert owner == pwd.getpwnam(CONSOLE).pw_uid
    assert machine.use(code) == 303
    assert not announcer.begin()
    assert [file for file in machine.shown.values() if file.exists()] == []


def test_ok__a_code_that_root_made_is_shown_and_not_replaced(machine: Machine) -> None:
    code = machine.announcer().make()
    assert machine.announcer().begin()
    assert machine.announcer().display.code() == code


def test_fail__a_code_that_no_longer_counts_is_not_shown(machine: Machine) -> None:
    old = machine.announcer().make()
    (machine.root / "console" / CODE_FILE).unlink()
    assert machine.announcer().begin()  # nobody owns the console: another one is made
    assert machine.announcer().display.code() != old


@pytest.mark.parametrize(
    ("choice", "first", "later"),
    [("first_owner", True, False), ("always", True, True), ("never", False, False)],
)
def test_ok__the_settings_say_when_the_lamp_shows_it(
    machine: Machine, choice: str, first: bool, later: bool
) -> None:
    config = machine.config.read_text()
    machine.config.write_text(config.replace("[console]", f'[console]\nlamp_code = "{choice}"'))
    announcer = Announcer(load_settings(machine.config))
    code = announcer.make()
    assert machine.shown["lamp"].exists() is first
    assert machine.use(code) == 303
    announcer.make()
    assert machine.shown["lamp"].exists() is later
    assert machine.shown["code"].exists()
