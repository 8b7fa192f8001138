# SPDX-License-Identifier: Apache-2.0
"""What the lane is told, in the past tense; any thread may put an event into the gate's queue."""

from __future__ import annotations

from dataclasses import dataclass

from plategate.messages.names import InputName, Level, Mode
from plategate.values import PlateSighting, Reason, Verdict


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
class ListAged:
    """The list in force became older than the owner allows, or young enough again."""

    too_old: bool


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
    | ListAged
    | DriveFailed
    | TimePassed
)
