# SPDX-License-Identifier: Apache-2.0
"""Events and commands exchanged between the lane and the rest of the gate, and their names.

Imports only the standard library and `values`. Values ending in `_s` are seconds; those that name a
moment are on the monotonic clock.
"""

from __future__ import annotations

from plategate.messages.commands import (
    AnswerCommand,
    CloseBarrier,
    Command,
    HoldBarrier,
    Judge,
    OpenBarrier,
    RaiseAgain,
    Record,
    ReleaseBarrier,
    Report,
    RestBarrier,
    Show,
    TakeStills,
    WriteGrant,
)
from plategate.messages.events import (
    CameraLost,
    CameraReturned,
    CommandRequested,
    ConditionChanged,
    DriveFailed,
    Event,
    GrantNotWritten,
    GrantWritten,
    InputChanged,
    ListAged,
    ModeChanged,
    PlateRead,
    ReadingFailed,
    TimePassed,
    VerdictReached,
)
from plategate.messages.names import (
    CommandName,
    FaultCode,
    InputName,
    Level,
    Mode,
    Refusal,
    Signal,
)

__all__ = [
    "AnswerCommand",
    "CameraLost",
    "CameraReturned",
    "CloseBarrier",
    "Command",
    "CommandName",
    "CommandRequested",
    "ConditionChanged",
    "DriveFailed",
    "Event",
    "FaultCode",
    "GrantNotWritten",
    "GrantWritten",
    "HoldBarrier",
    "InputChanged",
    "InputName",
    "Judge",
    "Level",
    "ListAged",
    "Mode",
    "ModeChanged",
    "OpenBarrier",
    "PlateRead",
    "RaiseAgain",
    "ReadingFailed",
    "Record",
    "Refusal",
    "ReleaseBarrier",
    "Report",
    "RestBarrier",
    "Show",
    "Signal",
    "TakeStills",
    "TimePassed",
    "VerdictReached",
    "WriteGrant",
]
