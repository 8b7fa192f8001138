# SPDX-License-Identifier: Apache-2.0
"""What the lane is told and what it asks for: events in the past tense, commands in the imperative.

Events are put into the gate's queue by any thread; commands are carried out by `gate` alone. Times
ending in `_s` are seconds of the monotonic clock. Imports the standard library and `records` alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from plategate.records import PlateReading, PlateSighting, Reason, Verdict


class InputName(StrEnum):
    """An input of the lane, named after the thing on the site."""

    BEAM = "beam"  # break-beam before the arm
    INNER_BEAM = "inner_beam"  # break-beam behind the arm: direction, and who really drove through
    LOOP = "loop"  # induction loop or any other dry contact
    DISTANCE = "distance"  # something is nearer than the ultrasonic threshold
    MOTION = "motion"  # something moves in the camera's picture
    PHOTOCELL = "photocell"  # safety input under the arm
    SAFETY = "safety"  # a further safety input: edge, second photocell, loop under the arm
    ARM_UP = "arm_up"  # limit switch at the top
    ARM_DOWN = "arm_down"  # limit switch at the bottom
    FREE_EXIT = "free_exit"
    MANUAL = "manual"
    FIRE = "fire"
    RESET = "reset"


class Level(StrEnum):
    """ACTIVE: what the input's name says is so (beam broken, vehicle near, button pressed, fire).

    Polarity, normally-closed wiring and bounce are settled before a level gets here. UNKNOWN: not
    read yet, or the device behind the input cannot be believed.
    """

    ACTIVE = "active"
    INACTIVE = "inactive"
    UNKNOWN = "unknown"


class Mode(StrEnum):
    """Who may pass at the moment."""

    AUTOMATIC = "automatic"  # whom the lists let in
    LOCKED = "locked"  # nobody by plate
    OPEN = "open"  # everybody; the arm is held up


class Signal(StrEnum):
    """What the lamps and the buzzer say to a person at the barrier."""

    STARTING = "starting"
    READY = "ready"
    READING = "reading"
    GRANTED = "granted"
    REFUSED = "refused"  # a wanted vehicle is shown this as well
    UNSURE = "unsure"
    LOCKED = "locked"
    HELD_OPEN = "held_open"
    NO_CAMERA = "no_camera"
    LIST_TOO_OLD = "list_too_old"
    FIRE = "fire"
    FAULT = "fault"  # with a blink count


class FaultCode(StrEnum):
    """Why the lane stopped pulsing; latched with its first reason until it is reset by hand."""

    DID_NOT_OPEN = "did_not_open"
    DID_NOT_CLOSE = "did_not_close"
    LEFT_OPEN = "left_open"
    FORCED_OPEN = "forced_open"
    LIMITS_CONTRADICT = "limits_contradict"
    DRIVE_FAILED = "drive_failed"

    @property
    def blinks(self) -> int:
        """How often the lamp blinks before it pauses."""
        return list(FaultCode).index(self) + 2


# ── events ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class InputChanged:
    """An input has another level than before."""

    name: InputName
    level: Level


@dataclass(frozen=True, slots=True)
class TriggerRequested:
    """Somebody asked by software to read whatever stands in the lane."""

    source: str = "software"


@dataclass(frozen=True, slots=True)
class OpenRequested:
    """A person with the right to do so asked by software to let one vehicle through."""

    source: str


@dataclass(frozen=True, slots=True)
class ModeChanged:
    """A person or the schedule chose another mode."""

    mode: Mode


@dataclass(frozen=True, slots=True)
class ResetRequested:
    """A person on the site reset the latched fault or fire input."""

    source: str = "button"


@dataclass(frozen=True, slots=True)
class PlateRead:
    """A burst was taken and read; the sighting may hold no reading."""

    passage_id: str
    sighting: PlateSighting


@dataclass(frozen=True, slots=True)
class ReadingFailed:
    """No sighting came of a burst: the camera, the pipeline or the store behind them failed."""

    passage_id: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class VerdictReached:
    """A reading was judged against the lists."""

    passage_id: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class GrantWritten:
    """The grant is safe on disk; the relay may move now and not earlier."""

    passage_id: str


@dataclass(frozen=True, slots=True)
class GrantNotWritten:
    """The journal could not keep the grant."""

    passage_id: str


@dataclass(frozen=True, slots=True)
class CameraLost:
    """The camera stopped delivering."""

    reason: str


@dataclass(frozen=True, slots=True)
class CameraReturned:
    """The camera delivers again."""


@dataclass(frozen=True, slots=True)
class DriveFailed:
    """A relay could not be driven."""

    reason: str


@dataclass(frozen=True, slots=True)
class TimePassed:
    """The deadline that `step` asked for was reached, or nothing else happened for a while."""


Event = (
    InputChanged
    | TriggerRequested
    | OpenRequested
    | ModeChanged
    | ResetRequested
    | PlateRead
    | ReadingFailed
    | VerdictReached
    | GrantWritten
    | GrantNotWritten
    | CameraLost
    | CameraReturned
    | DriveFailed
    | TimePassed
)


# ── commands ──────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class TakeStills:
    """Take a burst of stills exposed after `since_s` and read them; ends in one PlateRead or
    ReadingFailed."""

    passage_id: str
    count: int
    since_s: float


@dataclass(frozen=True, slots=True)
class Judge:
    """Judge a reading against the lists; ends in one VerdictReached."""

    passage_id: str
    reading: PlateReading | None


@dataclass(frozen=True, slots=True)
class WriteGrant:
    """Make the grant durable before anything moves; ends in GrantWritten or GrantNotWritten."""

    passage_id: str
    plate: str


@dataclass(frozen=True, slots=True)
class OpenBarrier:
    """Close the OPEN relay for `pulse_s`; `because` names the verdict or override behind it."""

    passage_id: str
    pulse_s: float
    because: Reason


@dataclass(frozen=True, slots=True)
class HoldBarrier:
    """Keep the OPEN relay closed until it is released."""

    because: Reason


@dataclass(frozen=True, slots=True)
class ReleaseBarrier:
    """Let go of the held OPEN relay, so that the arm may come down."""


@dataclass(frozen=True, slots=True)
class CloseBarrier:
    """Close the CLOSE relay for `pulse_s`."""

    pulse_s: float


@dataclass(frozen=True, slots=True)
class RestBarrier:
    """Put every relay to rest at once."""


@dataclass(frozen=True, slots=True)
class Show:
    """Say something with lamps and buzzer; `blinks` is the fault's count, else 0."""

    signal: Signal
    blinks: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """Keep one finished passage; every trigger ends in exactly one of these."""

    passage_id: str
    trigger: str
    triggered_s: float
    verdict: Verdict
    sighting: PlateSighting | None
    barrier: str
    vehicles: int
    milestones: tuple[tuple[str, float], ...]  # name, seconds of the monotonic clock


@dataclass(frozen=True, slots=True)
class Report:
    """Tell the owner of something that is not a passage: a fault, a tailgater, a stuck sensor."""

    what: str
    passage_id: str | None = None
    detail: str = ""


Command = (
    TakeStills
    | Judge
    | WriteGrant
    | OpenBarrier
    | HoldBarrier
    | ReleaseBarrier
    | CloseBarrier
    | RestBarrier
    | Show
    | Record
    | Report
)
