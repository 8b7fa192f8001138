# SPDX-License-Identifier: Apache-2.0
"""The service shows the one-time code until it is used; agetty prints it on the serial line.

The command runs with the capabilities and under the system-call rules of its unit. Needs root,
which alone may become another user.
"""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .code_machine import UNIT, Machine
from .sandbox import settings_of

SANDBOX = Path(__file__).with_name("sandbox.py")


pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")


def command(machine: Machine, *words: str) -> list[str]:
    """A command with the capabilities of the unit and under its system-call rules."""
    names = settings_of(UNIT)["CapabilityBoundingSet"][0].lower().replace("cap_", "+").split()
    unit = ["setpriv", "--bounding-set", ",".join(["-all", *names])]
    unit += [sys.executable, str(SANDBOX), str(UNIT)]
    return [*unit, sys.executable, "-m", "plategate", *words, "--config", str(machine.config)]


def wait_until(happened: Callable[[], bool]) -> None:
    waited = 0
    while not happened():
        assert waited < 600
        time.sleep(0.1)
        waited += 1


def test_ok__the_service_shows_the_code_until_it_is_used(machine: Machine) -> None:
    service = subprocess.Popen(command(machine, "console", "show-code"), stderr=subprocess.PIPE)
    try:
        wait_until(lambda: machine.shown["code"].exists() and machine.shown["issue"].exists())
        assert machine.shown["lamp"].exists()
        found = re.search(r"(\d{4})-(\d{4})", machine.shown["code"].read_text())
        assert found is not None
        assert machine.use(found[1] + found[2]) == 303
        assert service.wait(timeout=60) == 0
    finally:
        service.kill()
        _, log = service.communicate()
    assert [file for file in machine.shown.values() if file.exists()] == []
    assert found[1] + found[2] not in log.decode()
    assert machine.use(found[1] + found[2]) == 400


def test_ok__the_service_shows_a_new_code_of_root_and_stops_showing_it_at_its_end(
    machine: Machine,
) -> None:
    service = subprocess.Popen(command(machine, "console", "show-code"))
    try:
        wait_until(machine.shown["issue"].exists)
        code = machine.announcer().make()
        time.sleep(5)  # the service has looked twice
        assert machine.announcer().display.code() == code
        service.send_signal(signal.SIGTERM)
        assert service.wait(timeout=60) == 0
    finally:
        service.kill()
        service.wait()
    assert [file for file in machine.shown.values() if file.exists()] == []


def login_screen(etc: Path) -> str:
    """What a person sees at the other end of a serial line, up to the login prompt.

    `etc` is /etc for agetty, so that it looks where it looks on a gate.
    """
    ours, line = pty.openpty()
    tty = os.ttyname(line).removeprefix("/dev/")
    mount_and_run = 'mount --bind "$0" /etc && exec agetty -L "$1" 115200'
    agetty = subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", mount_and_run, str(etc), tty],
        start_new_session=True, env={**os.environ, "TERM": "vt100"},
    )  # fmt: skip
    seen = b""
    try:
        while b"login: " not in seen:
            assert select.select([ours], [], [], 60)[0], seen
            seen += os.read(ours, 4096)
    finally:
        agetty.kill()
        agetty.wait()
        os.close(ours)
        os.close(line)
    return seen.decode().replace("\r\n", "\n")


def test_ok__the_serial_line_shows_it_while_it_is_valid(machine: Machine) -> None:
    etc = machine.root / "etc"
    (etc / "issue.d").mkdir(parents=True)
    (etc / "issue").write_text("Debian\n", encoding="utf-8")
    (etc / "issue.d" / "plategate.issue").symlink_to(machine.shown["issue"])
    assert "One-time code" not in login_screen(etc)
    announcer = machine.announcer()
    code = announcer.make()
    screen = login_screen(etc)
    assert f"One-time code: {code[:4]}-{code[4:]}\n" in screen
    # The address after "or" is that of the machine, where it has a network.
    assert re.search(
        r"Open https://plategate\.local:8443/setup or https://[0-9.]*:8443/setup\n", screen
    )
    announcer.display.clear()
    assert "One-time code" not in login_screen(etc)
