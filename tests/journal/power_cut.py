# SPDX-License-Identifier: Apache-2.0
"""Simulate a disk that loses power: replay traced system calls, drop what was not synced.

What fsync promised is kept. Of the rest any part may be there: writes in any choice and torn at
sectors, names (new, renamed, removed) up to any point in their order, as a file system with a
journal keeps them.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

SECTOR = 512
CALLS = "openat,close,lseek,write,pwrite64,fsync,fdatasync,ftruncate,rename,unlink,unlinkat,mkdir"
LINE = re.compile(r"^\d+ +(\w+)\((.*)\) += (-?\d+)")
ESCAPE = re.compile(r"\\x([0-9a-f]{2})")


@dataclass(frozen=True)
class Call:
    """A successful system call: name, arguments as bytes, returned value."""

    name: str
    arguments: tuple[bytes, ...]
    returned: int

    @property
    def descriptor(self) -> int:
        """The file descriptor in the first argument."""
        return int(self.arguments[0].split(b"<")[0])

    def path(self, index: int) -> str:
        """The path in an argument."""
        return self.arguments[index].decode()


def parse_trace(text: str) -> Iterator[Call]:
    """The calls of `strace -f -xx -s 99999999 -e trace=CALLS`, in their order."""
    for line in text.splitlines():
        found = LINE.match(line)
        if found is None or int(found[3]) < 0:
            continue
        arguments = tuple(_value(part) for part in re.split(r", (?=[^ ])", found[2]))
        yield Call(found[1], arguments, int(found[3]))


def _value(text: str) -> bytes:
    if text.startswith('"'):
        return bytes(int(pair, 16) for pair in ESCAPE.findall(text))
    return text.encode()


@dataclass
class _File:
    durable: bytearray = field(default_factory=bytearray)
    # Offset and data, or a new length and None.
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)

    def sync(self) -> None:
        """Make everything that was written durable."""
        for offset, data in self.pending:
            _apply(self.durable, offset, data)
        self.pending.clear()

    def after_cut(self, chance: random.Random) -> bytes:
        """The content after a power cut now."""
        content = bytearray(self.durable)
        for offset, data in self.pending:
            if data is None:
                if chance.random() < 0.5:
                    _apply(content, offset, None)
                continue
            for start in range(0, len(data), SECTOR):
                if chance.random() < 0.5:
                    _apply(content, offset + start, data[start : start + SECTOR])
        return bytes(content)


def _apply(content: bytearray, offset: int, data: bytes | None) -> None:
    if data is None:
        del content[offset:]
        content.extend(bytes(max(0, offset - len(content))))
        return
    content.extend(bytes(max(0, offset - len(content))))
    content[offset : offset + len(data)] = data


class Disk:
    """The files below a folder: their durable content, and writes that are pending."""

    def __init__(self, folder: Path) -> None:
        self._folder = str(folder)
        self._names: dict[str, _File] = {}
        # Names as the disk has them, and the changes that it has not been made to keep.
        self._durable_names: dict[str, _File] = {}
        self._changes: list[tuple[str, _File | None]] = []
        self._open: dict[int, tuple[str, int]] = {}

    def take(self, call: Call) -> None:
        """Apply one call."""
        handler = getattr(self, f"_{call.name}", None)
        if handler is not None:
            handler(call)

    def after_cut(self, target: Path, chance: random.Random) -> None:
        """Write into `target` what is left after a power cut now."""
        names = dict(self._durable_names)
        for name, file in self._changes[: chance.randint(0, len(self._changes))]:
            if file is None:
                names.pop(name, None)
            else:
                names[name] = file
        target.mkdir(parents=True, exist_ok=True)
        for name, file in names.items():
            copy = target / os.path.relpath(name, self._folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(file.after_cut(chance))

    def _openat(self, call: Call) -> None:
        name, flags = call.path(1), call.path(2)
        if not name.startswith(self._folder):
            return
        self._open[call.returned] = (name, 0)
        if name not in self._names and "O_CREAT" in flags:
            self._change(name, _File())
        if "O_TRUNC" in flags and name in self._names:
            self._names[name].pending.append((0, None))

    def _close(self, call: Call) -> None:
        self._open.pop(call.descriptor, None)

    def _lseek(self, call: Call) -> None:
        if call.descriptor in self._open:
            name, _ = self._open[call.descriptor]
            self._open[call.descriptor] = (name, call.returned)

    def _write(self, call: Call) -> None:
        if call.descriptor in self._open:
            name, offset = self._open[call.descriptor]
            self._names[name].pending.append((offset, call.arguments[1]))
            self._open[call.descriptor] = (name, offset + call.returned)

    def _pwrite64(self, call: Call) -> None:
        if call.descriptor in self._open:
            name, _ = self._open[call.descriptor]
            self._names[name].pending.append((int(call.arguments[3]), call.arguments[1]))

    def _ftruncate(self, call: Call) -> None:
        if call.descriptor in self._open:
            name, _ = self._open[call.descriptor]
            self._names[name].pending.append((int(call.arguments[1]), None))

    def _fsync(self, call: Call) -> None:
        if call.descriptor not in self._open:
            return
        name, _ = self._open[call.descriptor]
        # Names are kept in their order: to be sure of one is to be sure of those before it.
        for changed, file in self._changes:
            if file is None:
                self._durable_names.pop(changed, None)
            else:
                self._durable_names[changed] = file
        self._changes.clear()
        if name in self._names:
            self._names[name].sync()

    _fdatasync = _fsync

    def _rename(self, call: Call) -> None:
        old, new = call.path(0), call.path(1)
        if old in self._names:
            file = self._names[old]
            self._change(old, None)
            self._change(new, file)

    def _unlink(self, call: Call) -> None:
        name = call.path(0)
        if name in self._names:
            self._change(name, None)

    def _unlinkat(self, call: Call) -> None:
        name = call.path(1)
        if name in self._names:
            self._change(name, None)

    def _change(self, name: str, file: _File | None) -> None:
        self._changes.append((name, file))
        if file is None:
            del self._names[name]
        else:
            self._names[name] = file
