# SPDX-License-Identifier: Apache-2.0
"""Events for the lane, named in the past tense; any thread may put one into the gate's queue.

Answers carry the passage and the attempt of their command.
"""

from __future__ import annotations

from dataclasses import dataclass

from plategate.messages.names import CommandName, InputName, Level, Mode
from plategate.values import PlateSighting, Reason, Verdict


@dataclass(frozen=True, slots=True)
class InputChanged:
    """The level of an input has changed."""

    name: InputName
    level: Level


@dataclass(frozen=True, slots=True)
class ModeChanged:
    """The mode was changed by the settings, a person or the schedule."""

    mode: Mode


@dataclass(frozen=True, slots=True)
class CommandRequested:
    """A person or program gave a command; its event is stored in the journal.

    `until_s` is its expiry on the monotonic clock. `mode` belongs to CommandName.MODE; None there
    means the scheduled mode. `only_for_vehicle` belongs to CommandName.OPEN: refused unless a
    trigger shows a vehicle. Answered by one AnswerCommand.
    """

    request_id: str
    command: CommandName
    source: str
    until_s: float
    mode: Mode | None = None
    only_for_vehicle: bool = False


@dataclass(frozen=True, slots=True)
class PlateRead:
    """A burst was taken and read; the sighting may be without a reading."""

    passage_id: str
    attempt: int
    sighting: PlateSighting


@dataclass(frozen=True, slots=True)
class ReadingFailed:
    """Reading or judging failed: camera, pipeline or store."""

    passage_id: str
    attempt: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class VerdictReached:
    """A reading was judged against the lists."""

    passage_id: str
    attempt: int
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class GrantWritten:
    """The grant is stored on disk; only now may the relay move."""

    passage_id: str
    attempt: int


@dataclass(frozen=True, slots=True)
class GrantNotWritten:
    """The journal could not store the grant."""

    passage_id: str
    attempt: int


@dataclass(frozen=True, slots=True)
class CameraLost:
    """The camera stopped delivering."""

    reason: str


@dataclass(frozen=True, slots=True)
class CameraReturned:
    """The camera delivers again."""


@dataclass(frozen=True, slots=True)
class ListAged:
    """The list in force became older than the settings allow, or is recent enough again."""

    too_old: bool


@dataclass(frozen=True, slots=True)
class ConditionChanged:
    """A condition outside the lane changed (clock, lists); it is only reported."""

    what: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class DriveFailed:
    """A relay could not be driven."""

    reason: str


@dataclass(frozen=True, slots=True)
class TimePassed:
    """The deadline that `step` returned has come, or no event has arrived for a while."""


Event = (
    InputChanged
    | ModeChanged
    | CommandRequested
    | PlateRead
    | ReadingFailed
    | VerdictReached
    | GrantWritten
    | GrantNotWritten
    | CameraLost
    | CameraReturned
    | ListAged
    | ConditionChanged
    | DriveFailed
    | TimePassed
)
