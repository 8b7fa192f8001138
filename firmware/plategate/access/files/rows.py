# SPDX-License-Identifier: Apache-2.0
"""The rows of a list or record file, and the errors that name their line, field and value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from plategate.errors import GateError, printable

MOST_REPORTED = 20
LONGEST_NAME = 80  # characters of a column name in a message


class TableError(GateError, ValueError):
    """One row is invalid, or the file cannot be parsed any further."""

    def __init__(self, line: int, field: str, value: object, reason: str) -> None:
        name = printable(field, LONGEST_NAME)
        shown = "" if not field else f" {name}:" if value is None else f" {name} = {value!r:.80}:"
        super().__init__(f"line {line}:{shown} {reason}")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the line it starts on, its values by column, and its syntax error if it has one."""

    line: int
    fields: Mapping[str, object]
    error: TableError | None = None


class ErrorReport:
    """Collects the errors of one file, so that the owner can correct all of them at once."""

    def __init__(self, origin: str, error: type[GateError]) -> None:
        self._origin = origin
        self._error = error
        self._sentences: list[str] = []
        self._more = 0

    def add(self, error: TableError) -> None:
        """Add an error; only the first MOST_REPORTED are kept, the rest are counted."""
        if len(self._sentences) < MOST_REPORTED:
            self._sentences.append(f"{self._origin}: {error}")
        else:
            self._more += 1

    def raise_if_any(self) -> None:
        """Raise one error that lists all collected ones."""
        if not self._sentences:
            return
        more = [f"{self._origin}: and {self._more} more"] if self._more else []
        raise self._error("\n".join(self._sentences + more))


def unknown_column(line: int, column: str, known: frozenset[str]) -> TableError:
    """The error for a column that the format does not have."""
    return TableError(line, column, None, f"unknown column; known are {', '.join(sorted(known))}")
