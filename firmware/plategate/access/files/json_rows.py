# SPDX-License-Identifier: Apache-2.0
"""Streaming JSON parser: yields the objects of one array, with their line numbers.

The file is an object such as {"version": 1, "entries": [{...}, ...]}, or the bare array. The keys
before the array are the header; those after it are passed to a check when they are reached.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from plategate.access.files.rows import TableError

CHUNK = 65_536  # bytes read at a time
LONGEST_VALUE = 65_536  # characters of one row or header value
LONGEST_INTEGER = 100  # digits
_WHITE = " \t\r\n"

CheckAfter = Callable[[int, Mapping[str, object]], None]


@dataclass(frozen=True, slots=True)
class JsonHeader:
    """The keys of a file before its array of rows."""

    values: Mapping[str, object] = field(default_factory=dict)


def json_rows(
    stream: BinaryIO, items: str, check_after: CheckAfter
) -> tuple[JsonHeader, Iterator[tuple[int, Mapping[str, object]]]]:
    """The header, and the objects of the array `items`, each with the line it starts on.

    `check_after` receives the line and the keys after the array, and raises TableError.
    """
    text = _Text(stream)
    if text.peek() == "[":
        return JsonHeader(), _rows(text, None)
    values: dict[str, object] = {}
    text.expect("{")
    while text.peek() != "}":
        key = _key(text, values)
        if key == items:
            if text.peek() != "[":
                raise text.error(f"{items!r} must be an array")
            return JsonHeader(values), _rows(text, check_after)
        values[key] = text.value()
        if not text.comma_before("}"):
            break
    raise text.error(f"array {items!r} is missing")


def _rows(
    text: _Text, check_after: CheckAfter | None
) -> Iterator[tuple[int, Mapping[str, object]]]:
    text.expect("[")
    while text.peek() != "]":
        if text.peek() != "{":
            raise text.error("a row must be an object")
        line = text.line
        yield line, text.value()
        if not text.comma_before("]"):
            break
    text.expect("]")
    if check_after is not None:
        after: dict[str, object] = {}
        while text.peek() == ",":
            text.expect(",")
            key = _key(text, after)
            after[key] = text.value()
        check_after(text.line, after)
        text.expect("}")
    if text.peek():
        raise text.error("unexpected content after the end")


def _key(text: _Text, known: Mapping[str, object]) -> str:
    if text.peek() != '"':
        raise text.error("expected a key")
    key = str(text.value())
    if key in known:
        raise text.error(f"key {key!r} appears twice")
    text.expect(":")
    return key


class _Text:
    """A position in the text of a file that is read in chunks; parsed text is discarded."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decode = codecs.getincrementaldecoder("utf-8")().decode
        self._json = json.JSONDecoder(
            object_pairs_hook=_object, parse_constant=_no_constant, parse_int=_integer
        )
        self._buffer = ""
        self._place = 0
        self._ended = False
        self.line = 1

    def error(self, reason: str) -> TableError:
        """An error at the current line."""
        return TableError(self.line, "", None, reason)

    def peek(self) -> str:
        """The next character that is not white space; "" at the end of the file."""
        while True:
            while self._place < len(self._buffer):
                char = self._buffer[self._place]
                if char not in _WHITE:
                    return char
                self.line += char == "\n"
                self._place += 1
            if not self._read():
                return ""

    def expect(self, char: str) -> None:
        """Consume `char`; raises TableError where another character comes next."""
        found = self.peek()
        if found != char:
            raise self.error(f"expected {char!r}, found {found or 'the end'!r}")
        self._place += 1

    def comma_before(self, end: str) -> bool:
        """Consume a comma if one is next, and return whether; `,` before `end` is an error."""
        if self.peek() != ",":
            return False
        self.expect(",")
        if self.peek() == end:
            raise self.error("trailing comma")
        return True

    def value(self) -> Any:
        """The next JSON value."""
        self.peek()
        while True:
            try:
                value, end = self._json.raw_decode(self._buffer, self._place)
            except json.JSONDecodeError as error:
                left = len(self._buffer) - self._place
                if left > LONGEST_VALUE or not self._read():
                    raise self.error(f"not valid JSON: {error.msg}") from None
                continue
            except ValueError as error:
                raise self.error(f"not valid JSON: {error}") from None
            except RecursionError:
                raise self.error("not valid JSON: nested too deeply") from None
            # A number at the end of the chunk may continue in the next one.
            if end < len(self._buffer) or not self._read():
                break
        self.line += self._buffer.count("\n", self._place, end)
        self._place = end
        return value

    def _read(self) -> bool:
        if self._ended:
            return False
        raw = self._stream.read(CHUNK)
        self._ended = not raw
        try:
            more = self._decode(raw, self._ended)
        except UnicodeDecodeError as error:
            lines = self._buffer.count("\n", self._place) + raw.count(b"\n", 0, error.start)
            raise TableError(
                self.line + lines, "", None, "not UTF-8 text; save it as UTF-8"
            ) from None
        self._buffer = self._buffer[self._place :] + more
        self._place = 0
        return not self._ended or bool(more)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a key appears twice in one object")
    return values


def _integer(digits: str) -> int:
    if len(digits) > LONGEST_INTEGER:
        raise ValueError("a number is too long")
    return int(digits)


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")
