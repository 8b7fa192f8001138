# SPDX-License-Identifier: Apache-2.0
"""What is wrong with a file of rows: line, field, value and reason, gathered for one report."""

from __future__ import annotations

from plategate.errors import GateError

MOST_REPORTED = 20


class TableError(GateError, ValueError):
    """One row cannot be used, or the file cannot be read on from there."""

    def __init__(self, line: int, field: str, value: object, reason: str) -> None:
        shown = "" if not field else f" {field}:" if value is None else f" {field} = {value!r:.80}:"
        super().__init__(f"line {line}:{shown} {reason}")


class FaultReport:
    """Gathers the faults of one file, so that its owner can mend them all at once."""

    def __init__(self, origin: str, error: type[GateError]) -> None:
        self._origin = origin
        self._error = error
        self._faults: list[str] = []
        self._more = 0

    def add(self, fault: TableError) -> None:
        """Note a fault; only the first ones are kept."""
        if len(self._faults) < MOST_REPORTED:
            self._faults.append(f"{self._origin}: {fault}")
        else:
            self._more += 1

    def raise_if_any(self) -> None:
        """Refuse the file where anything was wrong with it."""
        if not self._faults:
            return
        more = [f"{self._origin}: and {self._more} more"] if self._more else []
        raise self._error("\n".join(self._faults + more))
