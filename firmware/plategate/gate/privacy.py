# SPDX-License-Identifier: Apache-2.0
"""The commands that erase a plate from the journal and keep a passage beyond its time.

Only the gate writes its journal, so they come over the command socket. The event of the command
carries the hash of the plate, not the plate.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from plategate.clock import Clock
from plategate.errors import CommandError
from plategate.gate.interfaces import Service
from plategate.journal import Journal
from plategate.journal.erasure import erase_from
from plategate.journal.holds import HELD, HOLD_ENDED, Hold, end_hold, put_hold
from plategate.plates.text import canonical
from plategate.remote.protocol import CommandRequest, ServiceName
from plategate.values import GateEvent


@dataclass(frozen=True)
class PrivacyServices:
    """Follows the commands `erase`, `hold_passage` and `end_hold` on one journal."""

    journal: Journal
    clock: Clock
    lane: str

    def services(self) -> dict[ServiceName, Service]:
        """The commands by name."""
        return {
            ServiceName.ERASE: self.erase,
            ServiceName.HOLD_PASSAGE: self.hold,
            ServiceName.END_HOLD: self.end_hold,
        }

    def erase(self, request: CommandRequest) -> tuple[str, dict[str, Any]]:
        """Erase a plate; `data` has `plate` (canonical), `proof` (its hash) and `held`.

        Raises CommandError, StoreError.
        """
        plate, proof, held = _values(request, plate=str, proof=str, held=bool)
        if not plate or canonical(plate) != plate:
            raise CommandError("data.plate: must be a plate in canonical form (A-Z and 0-9)")
        erased = erase_from(
            self.journal,
            plate,
            proof=proof,
            at=self.clock.wall(),
            who=request.who,
            why=request.why,
            held=held,
        )
        return "erased", erased

    def hold(self, request: CommandRequest) -> tuple[str, dict[str, Any]]:
        """Keep a passage; `data` has `passage`, its id. Raises CommandError, StoreError."""
        (passage_id,) = _values(request, passage=str)
        hold = Hold(passage_id, self.clock.wall(), request.who, request.why)
        if not self.journal.change(lambda database: put_hold(database, hold)):
            raise CommandError(f"the journal has no passage {passage_id}")
        self._note(HELD, passage_id, request)
        return f"passage {passage_id} is kept until the hold ends", {}

    def end_hold(self, request: CommandRequest) -> tuple[str, dict[str, Any]]:
        """End a hold: its passage is deleted in time. Raises CommandError, StoreError."""
        (passage_id,) = _values(request, passage=str)
        if not self.journal.change(lambda database: end_hold(database, passage_id)):
            raise CommandError(f"passage {passage_id} is not on hold")
        self._note(HOLD_ENDED, passage_id, request)
        return f"passage {passage_id} is deleted at the end of its time", {}

    def _note(self, what: str, passage_id: str, request: CommandRequest) -> None:
        detail = json.dumps({"who": request.who, "why": request.why}, ensure_ascii=False)
        event = GateEvent(
            id=f"{what}-{request.id}",
            lane=self.lane,
            at=self.clock.wall(),
            what=what,
            passage_id=passage_id,
            detail=detail,
        )
        self.journal.add_event(event)


def _values(request: CommandRequest, **kinds: type) -> tuple[Any, ...]:
    """The values of `data` in the order of `kinds`; raises CommandError naming a wrong one."""
    data = request.data or {}
    if data.keys() != kinds.keys():
        raise CommandError(f"data: must have the keys {', '.join(kinds)}")
    for key, kind in kinds.items():
        if type(data[key]) is not kind:
            raise CommandError(f"data.{key}: must be of type {kind.__name__}")
    return tuple(data[key] for key in kinds)
