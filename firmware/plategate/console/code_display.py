# SPDX-License-Identifier: Apache-2.0
"""The files that show the one-time code while it is valid: for root, the login screen, the lamp.

They are in a folder in memory that root owns (`console.code_dir`), each readable by one user:

    code    root: the code in plain words and the addresses of the console
    issue   root: the same for agetty, which prints it on the login screens
    lamp    the gate's user: the digits, which the lamp blinks
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from plategate.console.one_time_code import CODE_DIGITS, written
from plategate.durable_files import locked_folder, replace_file
from plategate.settings.console import ConsoleSettings
from plategate.storage import storage_errors

EVERYWHERE = ("0.0.0.0", "::")  # addresses to listen on that are not one to connect to
_WRITTEN = re.compile(rf"^One-time code: ([0-9-]{{{CODE_DIGITS + 1}}})$", re.MULTILINE)


class CodeDisplay:
    """The files of one console. Methods raise StoreError."""

    def __init__(self, console: ConsoleSettings) -> None:
        self._folder = console.code_dir
        self._text, self._lamp = console.code_file, console.lamp_file
        self._issue = self._folder / "issue"
        self._port = "" if console.port == 443 else f":{console.port}"
        self._everywhere = console.address in EVERYWHERE
        self._address = f"[{console.address}]" if ":" in console.address else console.address
        # A backslash begins an escape of agetty; none is in a name of a host.
        named = [name for name in console.names if "\\" not in name]
        self._names = named or [socket.gethostname()]

    def exists(self) -> bool:
        """Whether the folder is there; the installation makes it."""
        return self._folder.is_dir()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Let no other process show or clear a code in this block."""
        with ExitStack() as block:
            with storage_errors(self._folder):
                block.enter_context(locked_folder(self._folder))
            yield

    def show(self, code: str, lamp_reader: int | None) -> None:
        """Show a code in place of any other; `lamp_reader` is the gate's user, None for no lamp."""
        with storage_errors(self._folder):
            self._lamp.unlink(missing_ok=True)
            if lamp_reader is not None:
                replace_file(self._lamp, f"{code}\n".encode(), mode=0o400)
                if os.geteuid() == 0:
                    os.chown(self._lamp, lamp_reader, -1)
        self._write(code)

    def code(self) -> str | None:
        """The digits that are shown; None where there are none."""
        try:
            found = _WRITTEN.search(self._text.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError):
            return None
        return found[1].replace("-", "") if found else None

    def clear(self) -> None:
        """Show no code any more."""
        with storage_errors(self._folder):
            for file in (self._text, self._issue, self._lamp):
                file.unlink(missing_ok=True)

    def _write(self, code: str) -> None:
        hosts = list(self._names) if self._everywhere else [self._address]
        # agetty replaces \4 by the machine's IPv4 address whenever that changes.
        shown = [*hosts, r"\4"] if self._everywhere else hosts
        files = {self._text: self._sentence(code, hosts), self._issue: self._sentence(code, shown)}
        for file, content in files.items():
            with storage_errors(file):
                replace_file(file, content.encode(), mode=0o600)

    def _sentence(self, code: str, hosts: list[str]) -> str:
        addresses = " or ".join(f"https://{host}{self._port}/setup" for host in hosts)
        return f"One-time code: {written(code)}\nOpen {addresses}\nand enter it. It works once.\n\n"
