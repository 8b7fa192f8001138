# SPDX-License-Identifier: Apache-2.0
"""The message that targets get for an event of the journal.

The id is made of gate, journal and sequence number: an event that is delivered twice has the same
one.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path, PurePath
from typing import Any

from plategate.documents import PASSAGE
from plategate.errors import reason_of
from plategate.journal.reader import StoredEvent
from plategate.plate_data.hashing import reduced
from plategate.replay import GAP
from plategate.settings.outbound import TargetSettings

log = logging.getLogger(__name__)

SCHEMA = 1
# What the journal deleted in time: of no use to others.
PURGE_LOG = frozenset({"purged", "hashed"})


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `pictures` are kinds and paths below the journal's folder."""

    id: str
    type: str
    at: str
    gate: str
    lane: str
    journal: int
    sequence: int
    data: dict[str, Any]
    pictures: tuple[tuple[str, PurePath], ...] = ()

    def document(self) -> dict[str, Any]:
        """The message as JSON types, as docs/integrator/mqtt.md describes it."""
        return {
            "schema": SCHEMA,
            "id": self.id,
            "type": self.type,
            "timestamp": self.at,
            "gate": self.gate,
            "lane": self.lane,
            "journal": f"{self.journal:08x}",
            "sequence": self.sequence,
            "data": self.data,
        }

    def encoded(self) -> bytes:
        """The message as JSON in UTF-8."""
        return json.dumps(self.document(), ensure_ascii=False, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class MessageMaker:
    """Makes the messages of one target; `events` are the types that it wants, with * and ?."""

    gate: str
    target: TargetSettings
    key: bytes
    events: tuple[str, ...]

    def message(self, event: StoredEvent, journal: int) -> Message | None:
        """The message of an event; None where the target does not want events of its type."""
        if event.kind != PASSAGE and event.document["what"] in PURGE_LOG:
            return None
        kind = type_of(event)
        if not any(fnmatchcase(kind, wanted) for wanted in self.events):
            return None
        document = event.public_document()
        document.pop("sequence")
        pictures = event.evidence if self.target.pictures else ()
        return Message(
            id=f"{self.gate}-{journal:08x}-{event.sequence}",
            type=kind,
            at=document["triggered_at" if event.kind == PASSAGE else "at"],
            gate=self.gate,
            lane=document["lane"],
            journal=journal,
            sequence=event.sequence,
            data=reduced(document, self.target.plate, self.key),
            pictures=tuple((name, PurePath(path)) for name, path in pictures),
        )

    def gap(self, journal: int, after: int, until: int, missing: int, reason: str) -> Message:
        """The report that events with numbers between `after` and `until` cannot be delivered."""
        return Message(
            id=f"{self.gate}-{journal:08x}-gap-{after}-{until}",
            type=GAP,
            at=datetime.now(UTC).isoformat(),
            gate=self.gate,
            lane="",
            journal=journal,
            sequence=after,
            data={"after": after, "until": until, "missing": missing, "reason": reason},
        )


def type_of(event: StoredEvent) -> str:
    """`passage.` and the result, or `gate.` and what happened."""
    if event.kind == PASSAGE:
        return f"passage.{event.document['verdict']['result']}"
    return f"gate.{event.document['what']}"


def picture_file(message: Message, folder: Path) -> Path | None:
    """The picture of the plate below the journal's folder, unless there is none."""
    name = dict(message.pictures).get("plate")
    if name is None:
        return None
    if not (folder / name).is_file():
        log.warning("%s is not sent: it was deleted", name.name)
        return None
    return folder / name


def plate_picture(message: Message, folder: Path) -> bytes | None:
    """The JPEG of the plate, unless there is none or it was deleted."""
    file = picture_file(message, folder)
    if file is None:
        return None
    try:
        return file.read_bytes()
    except OSError as error:
        log.warning("%s is not sent: %s", file.name, reason_of(error))
        return None
