# SPDX-License-Identifier: Apache-2.0
"""Commands of the lane, named in the imperative; the gate executes them in order.

`attempt` counts the bursts of one passage from 1. The answer repeats it, so that a late answer to
an earlier attempt is recognised. An override has no burst; its attempt is 0.
"""

from __future__ import annotations

from dataclasses import dataclass

from plategate.messages.names import Refusal, Signal
from plategate.values import PlateReading, PlateSighting, Reason, Verdict


@dataclass(frozen=True, slots=True)
class TakeStills:
    """Take and read a burst of stills exposed after `since_s`.

    Answered by one PlateRead or ReadingFailed.
    """

    passage_id: str
    count: int
    since_s: float
    attempt: int


@dataclass(frozen=True, slots=True)
class Judge:
    """Judge a reading against the lists; answered by one VerdictReached or ReadingFailed."""

    passage_id: str
    reading: PlateReading | None
    attempt: int


@dataclass(frozen=True, slots=True)
class WriteGrant:
    """Store the grant before anything moves; answered by GrantWritten or GrantNotWritten.

    A repeated visit is stored too, but does not count as another entry of its list entry.
    """

    passage_id: str
    verdict: Verdict
    attempt: int
    repeat_of: str | None = None


@dataclass(frozen=True, slots=True)
class OpenBarrier:
    """Pulse the OPEN relay for `pulse_s`; `because` is the reason of the verdict or override."""

    passage_id: str
    pulse_s: float
    because: Reason


@dataclass(frozen=True, slots=True)
class HoldBarrier:
    """Switch the OPEN relay on until ReleaseBarrier; `because` as in OpenBarrier."""

    because: Reason
    passage_id: str | None = None


@dataclass(frozen=True, slots=True)
class RaiseAgain:
    """Reverse a closing arm at once, by holding or pulsing OPEN: a safety input is not clear."""

    hold: bool
    pulse_s: float


@dataclass(frozen=True, slots=True)
class ReleaseBarrier:
    """Switch the held OPEN relay off, so that the arm comes down."""


@dataclass(frozen=True, slots=True)
class CloseBarrier:
    """Pulse the CLOSE relay for `pulse_s`."""

    pulse_s: float


@dataclass(frozen=True, slots=True)
class RestBarrier:
    """Switch every relay off at once."""


@dataclass(frozen=True, slots=True)
class Show:
    """Show a signal on lamps and buzzer; `blinks` is the blink count of a fault, else 0."""

    signal: Signal
    blinks: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """Store one finished passage; every trigger ends in exactly one Record."""

    passage_id: str
    trigger: str
    triggered_s: float
    verdict: Verdict
    sighting: PlateSighting | None
    barrier: str
    vehicles: int  # counted under the arm; 0 where no input counts them
    milestones: tuple[tuple[str, float], ...]  # name, seconds of the monotonic clock
    repeat_of: str | None = None  # the earlier passage of the same visit


@dataclass(frozen=True, slots=True)
class Report:
    """Report something that is not a passage: a fault, a tailgater, a stuck sensor."""

    what: str
    passage_id: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class AnswerCommand:
    """Answer a CommandRequested: followed, or refused and why."""

    request_id: str
    refusal: Refusal | None = None
    passage_id: str | None = None


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
    | AnswerCommand
)
