# SPDX-License-Identifier: Apache-2.0
"""Acknowledge an alarm (command `acknowledge`): an event that names it, with who and why.

Nothing is reset or silenced by it. The alarm must be in the journal of this gate and not be
acknowledged yet.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plategate.clock import Clock
from plategate.documents import EVENT
from plategate.errors import CommandError
from plategate.gate.interfaces import Journal, Service
from plategate.journal.alarms import (
    ACKNOWLEDGED,
    ENDED_BY,
    acknowledgement_detail,
    newest_alarms,
)
from plategate.journal.reader import JournalReader
from plategate.remote.protocol import CommandRequest, ServiceName
from plategate.values import GateEvent


@dataclass(frozen=True)
class Acknowledging:
    """Follows the command `acknowledge` on one journal in `folder`."""

    journal: Journal
    folder: Path
    clock: Clock
    lane: str

    def services(self) -> dict[ServiceName, Service]:
        """The command by its name."""
        return {ServiceName.ACKNOWLEDGE: self.acknowledge}

    def acknowledge(self, request: CommandRequest) -> tuple[str, dict[str, Any]]:
        """Acknowledge the alarm with the sequence number `sequence` of `data`.

        Raises CommandError, StoreError.
        """
        data = request.data or {}
        sequence = data.get("sequence")
        if set(data) != {"sequence"} or type(sequence) is not int or sequence < 1:
            raise CommandError("data: needs sequence, the number of an event, and nothing else")
        with closing(JournalReader(self.folder)) as reader:
            alarms = newest_alarms(reader, 1, before=sequence + 1)
        alarm = alarms[0] if alarms else None
        if alarm is None or alarm.stored.sequence != sequence or alarm.stored.kind != EVENT:
            names = ", ".join(ENDED_BY)
            raise CommandError(f"event {sequence}: is none of the alarms {names}")
        if alarm.acknowledged is not None:
            raise CommandError(f"event {sequence}: {alarm.acknowledged.who} has acknowledged it")
        event = alarm.stored.event
        self.journal.add_event(
            GateEvent(
                id=f"{request.id}-A",
                lane=self.lane,
                at=self.clock.wall(),
                what=ACKNOWLEDGED,
                passage_id=event.passage_id,
                detail=acknowledgement_detail(alarm.stored, request.who, request.why),
            )
        )
        return f"{event.what} is acknowledged", {}
