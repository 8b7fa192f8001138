# SPDX-License-Identifier: Apache-2.0
"""What the lane asks for, in the imperative; `gate` alone carries commands out, in their order."""

from __future__ import annotations

from dataclasses import dataclass

from plategate.messages.names import Signal
from plategate.values import PlateReading, PlateSighting, Reason, Verdict


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
    """Make the grant durable before anything moves; ends in GrantWritten or GrantNotWritten.

    A repeated visit is written as well, but is no further entry of its list entry.
    """

    passage_id: str
    verdict: Verdict
    repeat_of: str | None = None


@dataclass(frozen=True, slots=True)
class OpenBarrier:
    """Close the OPEN relay for `pulse_s`; `because` names the verdict or override behind it."""

    passage_id: str
    pulse_s: float
    because: Reason


@dataclass(frozen=True, slots=True)
class HoldBarrier:
    """Keep the OPEN relay closed until it is released; `because` as with OpenBarrier."""

    because: Reason
    passage_id: str | None = None


@dataclass(frozen=True, slots=True)
class RaiseAgain:
    """Something is under an arm that comes down: up again at once, held or by a pulse."""

    hold: bool
    pulse_s: float


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
    vehicles: int  # counted under the arm; 0 where nothing counts them
    milestones: tuple[tuple[str, float], ...]  # name, seconds of the monotonic clock
    repeat_of: str | None = None  # the earlier passage of the same visit


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
    | RaiseAgain
    | ReleaseBarrier
    | CloseBarrier
    | RestBarrier
    | Show
    | Record
    | Report
)
