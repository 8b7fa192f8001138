# SPDX-License-Identifier: Apache-2.0
"""Protocols of the gate's components; `build` and the rehearsal provide implementations."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from plategate.access.control import ListCondition
from plategate.access.rules import AccessRules
from plategate.clock import Clock
from plategate.hardware.interfaces import BarrierDrive, Camera, Inputs, Lamps
from plategate.messages import Mode
from plategate.remote.protocol import CommandRequest
from plategate.settings.journal import JournalSettings
from plategate.values import GateEvent, Passage, PlateReading, PlateSighting, Still, Verdict

# Answers a command that moves nothing: a sentence, and values for the answer. CommandError refuses,
# another GateError says that it failed.
Service = Callable[[CommandRequest], tuple[str, dict[str, Any]]]


class BurstReader(Protocol):
    """Reads a burst of stills."""

    @property
    def degraded(self) -> tuple[str, ...]:
        """Sentences about missing or failed models and readers."""
        ...

    def read_burst(self, stills: Iterable[Still]) -> PlateSighting:
        """The best reading; stops early once enough stills agree."""
        ...


class AccessControl(Protocol):
    """Decides who may pass."""

    def judge(self, reading: PlateReading | None, at: datetime, clock_trusted: bool) -> Verdict:
        """The verdict on one reading."""
        ...

    def note_grant(self, passage_id: str, verdict: Verdict, at: datetime) -> bool:
        """Store that an entry was used; False where the barrier must stay closed."""
        ...

    def list_condition(self, at: datetime) -> ListCondition:
        """Whether the list in force can be read, and whether it is too old."""
        ...

    def use(self, rules: AccessRules) -> None:
        """Judge by these rules from now on."""
        ...

    def close(self) -> None:
        """Close all files."""
        ...


class Journal(Protocol):
    """Stores grants and passages; `problems` maps names of failures to sentences."""

    problems: dict[str, str]

    def begin_grant(self, passage_id: str, plate: str, at: datetime, lane: str = "") -> None:
        """Store a grant durably; raises StoreError."""
        ...

    def record(self, passage: Passage, sighting: PlateSighting | None = None) -> None:
        """Store a passage with its evidence; raises StoreError."""
        ...

    def add_event(self, event: GateEvent) -> None:
        """Store an event that is not a passage; raises StoreError."""
        ...

    def tidy(self, now: datetime, clock_trusted: bool) -> int:
        """Delete what is past its retention time; the number of passages deleted."""
        ...

    def disk_problem(self) -> str | None:
        """Why the disk needs attention; None: it has room."""
        ...

    def use(self, settings: JournalSettings) -> None:
        """Use these settings for what is stored from now on."""
        ...

    def close(self) -> None:
        """Close all files."""
        ...


@dataclass(frozen=True, slots=True)
class GateComponents:
    """Everything around the lane. `inputs` are contacts, distance sensor and motion detector.

    `tidies` are called hourly, after the journal's own, with the time and whether it is trusted.
    """

    clock: Clock
    camera: Camera
    inputs: tuple[Inputs, ...]
    drive: BarrierDrive
    lamps: Lamps
    reader: BurstReader
    access: AccessControl
    journal: Journal
    clock_trusted: Callable[[], bool]
    mode: Callable[[], Mode]
    tidies: tuple[Callable[[datetime, bool], None], ...] = ()
