# SPDX-License-Identifier: Apache-2.0
"""The rows of a list or record file, and the errors that name their line, field and value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from plategate.errors import GateError, printable

MOST_REPORTED = 20
# The wide forms are those of East Asian keyboards; spreadsheets take them for formulas as well.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")
LONGEST_NAME = 80  # characters of a column name in a message


class TableError(GateError, ValueError):
    """One row is invalid, or the file cannot be parsed any further."""

    def __init__(self, line: int, field: str, value: object, reason: str) -> None:
        name = printable(field, LONGEST_NAME)
        shown = "" if not field else f" {name}:" if value is None else f" {name} = {value!r:.80}:"
        self.sentence = f"{shown} {reason}".lstrip()  # for a row that is in no file
        field_alone = "" if not field else f" {name}:"
        self.without_value = f"line {line}:{field_alone} {reason}"  # for logs
        super().__init__(f"line {line}: {self.sentence}")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the line it starts on, its values by column, and its syntax error if it has one."""

    line: int
    fields: Mapping[str, object]
    error: TableError | None = None


class ErrorReport:
    """Collects the errors of one file, so that the owner can correct all of them at once.

    Without `values` the sentences may be logged: they name line and field, and no plate or person.
    """

    def __init__(self, origin: str, error: type[GateError], *, values: bool = True) -> None:
        self._values = values
        self._origin = origin
        self._error = error
        self._sentences: list[str] = []
        self._more = 0

    def add(self, error: TableError) -> None:
        """Add an error; only the first MOST_REPORTED are kept, the rest are counted."""
        if len(self._sentences) < MOST_REPORTED:
            sentence = error if self._values else error.without_value
            self._sentences.append(f"{self._origin}: {sentence}")
        else:
            self._more += 1

    def raise_if_any(self) -> None:
        """Raise one error that lists all collected ones."""
        if not self._sentences:
            return
        more = [f"{self._origin}: and {self._more} more"] if self._more else []
        raise self._error("\n".join(self._sentences + more))


def protected(text: str) -> str:
    """A cell that no spreadsheet takes for a formula: an apostrophe before `=`, `+`, `-` or `@`."""
    return f"'{text}" if text.lstrip("'")[:1] in _FORMULA else text


def unprotected(text: str) -> str:
    """Reverts `protected`."""
    if text[:1] == "'" and text.lstrip("'")[:1] in _FORMULA:
        return text[1:]
    return text


def unknown_column(line: int, column: str, known: frozenset[str]) -> TableError:
    """The error for a column that the format does not have."""
    return TableError(line, column, None, f"unknown column; known are {', '.join(sorted(known))}")
