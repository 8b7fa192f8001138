# SPDX-License-Identifier: Apache-2.0
"""The state of the lane as one frozen value; only `step` produces a new one.

Four processes run in parallel: vehicles arrive and leave (`armed`), one plate is read (`visit`),
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
class InputState:
    """The level of an input and the time of its last change."""

    level: Level = Level.UNKNOWN
    since_s: float = 0.0


class VisitStage(StrEnum):
    """The stages of reading one vehicle."""

    READING = "reading"
    JUDGING = "judging"
    WAITING = "waiting"  # not granted yet, the vehicle is still there, another attempt follows
    WRITING = "writing"  # granted; nothing moves before the journal has stored the grant


@dataclass(frozen=True, slots=True)
class Visit:
    """One vehicle from its trigger until it is granted or recorded as not let in."""

    passage_id: str
    trigger: str
    triggered_s: float
    stage: VisitStage
    since_s: float
    attempts: int = 1
    sighting: PlateSighting | None = None
    verdict: Verdict | None = None
    milestones: Milestones = ()
    at_trigger: bool = True  # False: requested while the triggers were quiet
    left: bool = False  # the triggers have been quiet for `rearm_s` since


@dataclass(frozen=True, slots=True)
class Opening:
    """One passage that the arm is up for; recorded when its vehicle is through or does not come."""

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
    vehicle_left: bool = False  # its vehicle left the triggers before the arm was commanded
    followed_by: str | None = None  # the next vehicle's passage, begun before anybody drove through
    used_by_other: bool = False


class ArmStage(StrEnum):
    """The last commanded movement; the actual position comes from the limit switches."""

    RESTING = "resting"
    RAISING = "raising"
    UP = "up"
    LOWERING = "lowering"


@dataclass(frozen=True, slots=True)
class Arm:
    """The arm as commanded, and what the limit switches showed of it."""

    stage: ArmStage = ArmStage.RESTING
    since_s: float = 0.0
    moved_s: float | None = None  # time of the last relay command
    held: bool = False
    because: Reason | None = None  # reason of the verdict or override that raised it
    passage_id: str | None = None
    seen_down: bool = False  # the limit switches have shown it down since it came to rest
    reported: bool = False  # "blocked" or "found open" has been reported in this stage


@dataclass(frozen=True, slots=True)
class Fault:
    """The latched fault: its first reason and when it occurred."""

    code: FaultCode
    since_s: float


@dataclass(frozen=True, slots=True)
class RecentPlate:
    """A recently seen plate; its return within `repeat_window_s` is the same visit."""

    plate: str
    passage_id: str
    at_s: float
    alarmed: bool = False


@dataclass(frozen=True, slots=True)
class ShownResult:
    """The result that the lamps still show, and until when."""

    signal: Signal
    until_s: float


@dataclass(frozen=True, slots=True)
class LaneState:
    """The whole lane. `prefix` makes passage ids unique across starts of the gate."""

    prefix: str
    started_s: float = 0.0
    number: int = 0
    inputs: Mapping[InputName, InputState] = field(default_factory=dict)
    scheduled_mode: Mode = Mode.AUTOMATIC
    commanded_mode: Mode | None = None  # in place of the scheduled one until it is taken back
    hold_commanded: bool = False  # the arm is kept up until a release
    fire: bool = False
    fault: Fault | None = None
    drive_failed: bool = False  # no relay is commanded; may be set in addition to an earlier fault
    camera_lost: bool = False
    list_too_old: bool = False
    armed: bool = True
    clear_since_s: float | None = None
    distrusted: frozenset[InputName] = frozenset()  # stuck sensors, until they change
    visit: Visit | None = None
    openings: tuple[Opening, ...] = ()
    arm: Arm = Arm()
    recent_plates: tuple[RecentPlate, ...] = ()
    passed_unjudged: str | None = None  # drove through another's opening before its verdict
    shown_result: ShownResult | None = None
    shown: tuple[Signal, int] = (Signal.STARTING, 0)

    @property
    def mode(self) -> Mode:
        """The mode in force."""
        return self.commanded_mode or self.scheduled_mode

    @property
    def kept_open(self) -> bool:
        """Whether the arm is to stay up for everybody, by mode or by command."""
        return self.mode is Mode.OPEN or self.hold_commanded

    def seen(self, name: InputName) -> InputState:
        """Level and time of last change of an input; UNKNOWN since the start if never reported."""
        return self.inputs.get(name) or InputState(since_s=self.started_s)

    def level(self, name: InputName) -> Level:
        """The present level of an input."""
        return self.seen(name).level

    def active(self, name: InputName) -> bool:
        """Whether the input is known to be active."""
        return self.level(name) is Level.ACTIVE
