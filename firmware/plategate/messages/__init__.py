# SPDX-License-Identifier: Apache-2.0
"""Events and commands exchanged between the lane and the rest of the gate, and their names.

Imports only the standard library and `values`. Values ending in `_s` are seconds; those that name a
moment are on the monotonic clock.
"""

from __future__ import annotations

from plategate.messages.commands import (
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
    ConditionChanged,
    DriveFailed,
    Event,
    GrantNotWritten,
    GrantWritten,
    InputChanged,
    ListAged,
    ModeChanged,
    OpenRequested,
    PlateRead,
    ReadingFailed,
    ResetRequested,
    TimePassed,
    TriggerRequested,
    VerdictReached,
)
from plategate.messages.names import (
    FaultCode,
    InputName,
    Level,
    Mode,
    Signal,
)

__all__ = [
    "CameraLost",
    "CameraReturned",
    "CloseBarrier",
    "Command",
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
    "OpenRequested",
    "PlateRead",
    "RaiseAgain",
    "ReadingFailed",
    "Record",
    "ReleaseBarrier",
    "Report",
    "ResetRequested",
    "RestBarrier",
    "Show",
    "Signal",
    "TakeStills",
    "TimePassed",
    "TriggerRequested",
    "VerdictReached",
    "WriteGrant",
]
