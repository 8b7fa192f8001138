# SPDX-License-Identifier: Apache-2.0
"""The parts that a gate is made of, as Protocols; `build` and the rehearsal fill them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from plategate.access.control import ListCondition
from plategate.access.rules import AccessRules
from plategate.clock import Clock
from plategate.hardware.interfaces import BarrierDrive, Camera, Inputs, Lamps
from plategate.messages import Mode
from plategate.settings.journal import JournalSettings
from plategate.values import Passage, PlateReading, PlateSighting, Still, Verdict


class BurstReader(Protocol):
    """Stills in, the best reading out."""

    @property
    def degraded(self) -> tuple[str, ...]:
        """What it does without at the moment."""
        ...

    def read_burst(self, stills: Iterable[Still]) -> PlateSighting:
        """Read until enough stills agree."""
        ...


class Judge(Protocol):
    """Who may pass."""

    def judge(self, reading: PlateReading | None, at: datetime, clock_trusted: bool) -> Verdict:
        """The verdict about one reading."""
        ...

    def note_grant(self, passage_id: str, verdict: Verdict, at: datetime) -> bool:
        """Count a grant durably; False where the barrier must stay shut."""
        ...

    def list_condition(self, at: datetime) -> ListCondition:
        """Whether the list in force can be read, and is not older than the owner wants."""
        ...

    def use(self, terms: AccessRules) -> None:
        """Judge by other terms from now on."""
        ...

    def close(self) -> None:
        """Close its files."""
        ...


class PassageBook(Protocol):
    """Where grants and passages are kept; `problems` are named failures with a sentence each."""

    problems: dict[str, str]

    def begin_grant(self, passage_id: str, plate: str, at: datetime, lane: str = "") -> None:
        """Make a grant durable; StoreError where that fails."""
        ...

    def record(self, passage: Passage, sighting: PlateSighting | None = None) -> None:
        """Keep a passage with its evidence; StoreError where that fails."""
        ...

    def tidy(self, now: datetime, clock_trusted: bool) -> int:
        """Forget what is past its time."""
        ...

    def use(self, settings: JournalSettings) -> None:
        """Keep what comes by other settings from now on."""
        ...

    def close(self) -> None:
        """Close its files."""
        ...


@dataclass(frozen=True, slots=True)
class GateComponents:
    """Everything around the lane. `inputs` are contacts, distance and motion, each on its own."""

    clock: Clock
    camera: Camera
    inputs: tuple[Inputs, ...]
    drive: BarrierDrive
    lamps: Lamps
    reader: BurstReader
    judge: Judge
    book: PassageBook
    clock_trusted: Callable[[], bool]
    mode: Callable[[], Mode]
