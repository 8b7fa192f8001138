# SPDX-License-Identifier: Apache-2.0
"""The interface of a store that keeps plates: what it keeps and why, find a plate, erase it.

Every place on the device where a plate can be kept implements `PlateStore` next to its own code and
is named in `privacy.registry`. A store that is not named there would keep a plate that was erased.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class KeptKind:
    """One kind of personal data of a store: what, why, how long, and how much is there now."""

    what: str
    why: str
    how_long: str
    count: int | None = None  # None: not counted


@dataclass(frozen=True, slots=True)
class Holding:
    """One item that a store keeps about a plate; `files` are its pictures."""

    what: str
    document: dict[str, Any]
    files: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Erasure:
    """What a store erased: counts by name, and sentences for the person who asked."""

    counts: dict[str, int] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    @property
    def total(self) -> int:
        """How many items were erased."""
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class EraseRequest:
    """An order to erase a canonical plate: who gives it and why.

    `held` includes passages on hold. `folder` is that of the proofs (privacy.dir).
    """

    plate: str
    who: str
    why: str
    folder: Path
    held: bool = False


class PlateStore(Protocol):
    """A place where plates are kept. Every method raises StoreError."""

    @property
    def name(self) -> str:
        """A short name, for output."""
        ...

    @property
    def folder(self) -> Path:
        """The folder whose owner may change the store; the caller acts as that user."""
        ...

    def kept(self) -> tuple[KeptKind, ...]:
        """What is kept, why, and for how long under the present settings."""
        ...

    def find(self, plate: str) -> list[Holding]:
        """Everything that is kept about a canonical plate."""
        ...

    def erase(self, asked: EraseRequest) -> Erasure:
        """Erase everything about a plate, also from free pages and logs of the files."""
        ...
