# SPDX-License-Identifier: Apache-2.0
"""What the lane knows at one moment, as one frozen value; changed by `step` alone.

Four things go on beside each other: vehicles come and leave (`armed`), one plate is read (`visit`),
vehicles are let through (`openings`), and the arm moves (`arm`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from plategate.messages import FaultCode, InputName, Level, Mode, Signal
from plategate.values import PlateSighting, Reason, Verdict

Milestones = tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """The level of an input and since when."""

    level: Level = Level.UNKNOWN
    since_s: float = 0.0


class VisitStage(StrEnum):
    """How far the reading of one vehicle has come."""

    READING = "reading"
    JUDGING = "judging"
    WAITING = "waiting"  # not granted yet, the vehicle stands, another attempt follows
    WRITING = "writing"  # granted; nothing moves before the journal has it


@dataclass(frozen=True, slots=True)
class Visit:
    """One vehicle from its trigger until it is granted or given up."""

    passage_id: str
    trigger: str
    triggered_s: float
    stage: VisitStage
    since_s: float
    attempts: int = 1
    sighting: PlateSighting | None = None
    verdict: Verdict | None = None
    milestones: Milestones = ()
    left: bool = False  # the triggers have been quiet for as long as a vehicle needs to leave


@dataclass(frozen=True, slots=True)
class Opening:
    """One passage that the arm is up for; recorded when its vehicle is through or stays away."""

    passage_id: str
    trigger: str
    triggered_s: float
    since_s: float
    verdict: Verdict
    sighting: PlateSighting | None = None
    milestones: Milestones = ()
    repeat_of: str | None = None
    raised: bool = False
    vehicles: int = 0


class ArmStage(StrEnum):
    """What the arm was last asked to do; where it is, the limit switches say."""

    RESTING = "resting"
    RAISING = "raising"
    UP = "up"
    LOWERING = "lowering"


@dataclass(frozen=True, slots=True)
class Arm:
    """The arm as commanded, and what was seen of it."""

    stage: ArmStage = ArmStage.RESTING
    since_s: float = 0.0
    moved_s: float | None = None  # the last command to a relay
    held: bool = False
    because: Reason | None = None  # the verdict or override that it went up for
    passage_id: str | None = None
    seen_down: bool = False  # the limit switches showed it down since it rests
    told: bool = False  # that it is blocked or was found up is reported once


@dataclass(frozen=True, slots=True)
class Fault:
    """The first reason why the lane stopped pulsing."""

    code: FaultCode
    since_s: float


@dataclass(frozen=True, slots=True)
class Remembered:
    """A plate that was here a moment ago, so that its return counts as the same visit."""

    plate: str
    passage_id: str
    at_s: float
    alarmed: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """The last result that is still being shown."""

    signal: Signal
    until_s: float


@dataclass(frozen=True, slots=True)
class LaneState:
    """The whole lane. `prefix` makes passage ids unique across starts of the gate."""

    prefix: str
    started_s: float = 0.0
    number: int = 0
    inputs: Mapping[InputName, Seen] = field(default_factory=dict)
    mode: Mode = Mode.AUTOMATIC
    fire: bool = False
    fault: Fault | None = None
    drive_failed: bool = False  # beside an earlier fault too: nothing is asked of the relays
    camera_lost: bool = False
    list_too_old: bool = False
    armed: bool = True
    clear_since_s: float | None = None
    distrusted: frozenset[InputName] = frozenset()  # stuck sensors, until they change
    visit: Visit | None = None
    openings: tuple[Opening, ...] = ()
    arm: Arm = Arm()
    remembered: tuple[Remembered, ...] = ()
    outcome: Outcome | None = None
    shown: tuple[Signal, int] = (Signal.STARTING, 0)

    def seen(self, name: InputName) -> Seen:
        """Level and age of an input; UNKNOWN since the start when it never reported."""
        return self.inputs.get(name) or Seen(since_s=self.started_s)

    def level(self, name: InputName) -> Level:
        """The level of an input now."""
        return self.seen(name).level

    def active(self, name: InputName) -> bool:
        """Whether what the input's name says is certainly so."""
        return self.level(name) is Level.ACTIVE
