# SPDX-License-Identifier: Apache-2.0
"""Run a command under the system-call rules of a unit: python sandbox.py UNIT COMMAND...

Applies SystemCallFilter=, ProtectClock=, RestrictAddressFamilies=, MemoryDenyWriteExecute= and
NoNewPrivileges= with a seccomp filter. A forbidden call kills the process with SIGSYS, so that no
library can hide that it needed the call; with ERRNO=1 in the environment it fails with EPERM, as on
the device. Groups of calls come from systemd-analyze, numbers from the C headers.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import struct
import subprocess
import sys
from collections import defaultdict
from functools import cache
from pathlib import Path

PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, PR_SET_MDWE = 22, 38, 65
MODE_FILTER = 2
ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
LOAD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06
NUMBER_AT, FIRST_ARGUMENT_AT = 0, 16
AF_UNIX = 1
# Calls that a library tries and that may fail: a hint of the allocator about memory nodes.
OPTIONAL = {"mbind"}


def settings_of(unit: Path) -> dict[str, list[str]]:
    """All assignments of a unit file, regardless of section."""
    found: dict[str, list[str]] = defaultdict(list)
    for line in unit.read_text(encoding="utf-8").splitlines():
        if "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found[key].append(value)
    return found


@cache
def calls_of(name: str) -> frozenset[str]:
    """The calls of a group, with those of the groups in it; of a call, itself."""
    if not name.startswith("@"):
        return frozenset({name})
    listed = subprocess.run(
        ["systemd-analyze", "syscall-filter", "--no-pager", name],
        capture_output=True, text=True, check=True,
    ).stdout.split("\n")  # fmt: skip
    members = [line.strip() for line in listed[1:] if line.strip() and "#" not in line]
    return frozenset().union(*map(calls_of, members))


def allowed_calls(unit: Path) -> frozenset[str]:
    """The calls that SystemCallFilter= and ProtectClock= leave; later lines add or remove."""
    settings = settings_of(unit)
    allowed = calls_of("@default")
    for line in settings["SystemCallFilter"]:
        names = frozenset().union(*map(calls_of, line.removeprefix("~").split()))
        allowed = allowed - names if line.startswith("~") else allowed | names
    return allowed - calls_of("@clock") if settings["ProtectClock"] == ["yes"] else allowed


def call_numbers() -> dict[str, int]:
    """The numbers of all calls on this machine."""
    defines = subprocess.run(
        ["gcc", "-E", "-dM", "-include", "sys/syscall.h", "-x", "c", "/dev/null"],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    return {name: int(n) for name, n in re.findall(r"#define __NR_(\w+) (\d+)\n", defines)}


def program(unit: Path, forbidden: int) -> bytes:
    """The seccomp filter: one comparison for each allowed call."""
    numbers = call_numbers()
    # The units do not run as root. SQLite, as root, gives a log the owner of its database.
    as_root = {"fchown"} if os.geteuid() == 0 else set()
    allowed = {numbers[name] for name in allowed_calls(unit) | as_root if name in numbers}
    lines = [(LOAD, 0, 0, NUMBER_AT)]
    if settings_of(unit)["RestrictAddressFamilies"] == ["AF_UNIX"]:
        lines += [
            (JUMP_EQUAL, 0, 4, numbers["socket"]),
            (LOAD, 0, 0, FIRST_ARGUMENT_AT),
            (JUMP_EQUAL, 1, 0, AF_UNIX),
            (RETURN, 0, 0, ERRNO | errno.EAFNOSUPPORT),
            (LOAD, 0, 0, NUMBER_AT),
        ]
    for number in sorted(allowed):
        lines += [(JUMP_EQUAL, 0, 1, number), (RETURN, 0, 0, ALLOW)]
    for number in sorted({numbers[name] for name in OPTIONAL if name in numbers} - allowed):
        lines += [(JUMP_EQUAL, 0, 1, number), (RETURN, 0, 0, ERRNO | errno.EPERM)]
    lines.append((RETURN, 0, 0, forbidden))
    return b"".join(struct.pack("HBBI", *line) for line in lines)


def enter(unit: Path, forbidden: int) -> None:
    """Put this process, and all that it starts, under the rules of the unit."""
    code = program(unit, forbidden)
    buffer = ctypes.create_string_buffer(code)
    header = struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if settings_of(unit)["MemoryDenyWriteExecute"] == ["yes"]:
        libc.prctl(PR_SET_MDWE, 1, 0, 0, 0)  # kernels before 6.3 do not know it
    if libc.prctl(PR_SET_SECCOMP, MODE_FILTER, ctypes.c_char_p(header), 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no seccomp filter on this kernel")


if __name__ == "__main__":
    enter(Path(sys.argv[1]), ERRNO | errno.EPERM if "ERRNO" in os.environ else KILL)
    os.execvp(sys.argv[2], sys.argv[2:])
