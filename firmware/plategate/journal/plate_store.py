# SPDX-License-Identifier: Apache-2.0
"""The journal as a store of plates: passages, events and their pictures.

Only the process that owns the journal erases: a running gate is asked over its command socket,
which `ask` does; without a gate the journal is opened for the erasure alone.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from plategate.clock import SystemClock
from plategate.documents import PASSAGE
from plategate.journal.database import FILE_NAME
from plategate.journal.erasure import erase_from, rows_of_plate
from plategate.journal.holds import all_holds
from plategate.journal.opening import is_owned, open_journal
from plategate.journal.reader import JournalReader, StoredEvent
from plategate.journal.retention import days_kept
from plategate.journal.unknown import hash_in_journal
from plategate.plate_data.hashing import plate_hash
from plategate.plate_data.interfaces import EraseRequest, Erasure, Holding, KeptKind
from plategate.plate_data.tombstones import Tombstones
from plategate.settings.journal import JournalSettings

LOG_IN_USE = "another program reads the journal; its log is emptied within the hour"
# Gives the running gate the values of the command `erase`; returns what was erased.
AskGate = Callable[[EraseRequest, dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class JournalPlateStore:
    """One journal; `ask` reaches the gate that may be running on it."""

    name: ClassVar[str] = "journal"
    settings: JournalSettings
    ask: AskGate

    @property
    def folder(self) -> Path:
        """The folder of the journal."""
        return self.settings.dir

    def kept(self) -> tuple[KeptKind, ...]:
        """Passages and events by class, pictures, holds."""
        counts = self._counts()
        found = self.settings
        granted = "without plate" if found.delete_at_match else "plate, reading, list entry"
        unknown = "plate and reading"
        if found.unknown_text_hours is not None:
            unknown += f"; a keyed hash of the plate after {found.unknown_text_hours} h"
        kinds = [
            (f"granted passages: {granted}", "answer who came, and why", "granted"),
            (f"refused passages: {unknown}", "answer why it did not open", "refused"),
            (f"unsure passages: {unknown}", "answer why it did not open", "unsure"),
            ("passages and events with an alarm", "prove what happened", "alarm"),
            ("faults, modes and other events, the purge log", "maintenance", "event"),
        ]
        days = days_kept(found)
        pictures = {"both": "still and plate", "plate": "plate", "none": "none"}[found.evidence]
        blurred = ", blurred outside the plate" if found.blur_stills else ""
        return (
            *(
                KeptKind(what, why, f"{days[class_]} days", counts.get(class_, 0))
                for what, why, class_ in kinds
            ),
            KeptKind(
                f"pictures: {pictures}{blurred}"
                f"{'' if found.unknown_pictures else '; none of plates on no list'}",
                "check a reading; settle a dispute",
                f"{found.evidence_days} days; those of alarms as long as the passage",
                counts.get("pictures", 0),
            ),
            KeptKind(
                "proofs of erasure: keyed hash, who, why",
                "prove that a plate was erased",
                f"{found.proof_days} days",
                counts.get("erasure", 0),
            ),
            KeptKind(
                "passages on hold",
                "a dispute; `plategate privacy held` shows the reasons",
                "until the hold ends",
                counts.get("holds", 0),
            ),
        )

    def find(self, plate: str) -> list[Holding]:
        """Passages and events with the plate or its hash, oldest first."""
        hashed = hash_in_journal(self.settings.dir, plate)
        if not (self.settings.dir / FILE_NAME).exists():
            return []
        with closing(JournalReader(self.settings.dir)) as reader:
            sequences = reader.read(
                lambda database: [row[0] for row in rows_of_plate(database, plate, hashed)]
            )
            return [self._holding(event) for event in reader.numbered(sequences)]

    def erase(self, asked: EraseRequest) -> Erasure:
        """Let the gate erase, or open the journal for it."""
        if not self.settings.dir.exists():
            return Erasure()
        proof = plate_hash(asked.plate, Tombstones(asked.folder).key())
        if is_owned(self.settings.dir):
            data = {"plate": asked.plate, "proof": proof, "held": asked.held}
            counts = self.ask(asked, data)
        else:
            with closing(open_journal(self.settings)) as journal:
                counts = erase_from(
                    journal,
                    asked.plate,
                    proof=proof,
                    at=SystemClock().wall(),
                    who=asked.who,
                    why=asked.why,
                    held=asked.held,
                )
        remarks = (LOG_IN_USE,) if counts.pop("log", 0) else ()
        return Erasure({name: count for name, count in counts.items() if count}, remarks)

    def _holding(self, event: StoredEvent) -> Holding:
        files = tuple(self.settings.dir / file for _, file in event.evidence)
        what = "passage" if event.kind == PASSAGE else "event"
        return Holding(what, event.public_document(), files)

    def _counts(self) -> dict[str, int]:
        if not (self.settings.dir / FILE_NAME).exists():
            return {}
        by_class = "SELECT class, count(*) FROM passages WHERE class IS NOT NULL GROUP BY class"
        with closing(JournalReader(self.settings.dir)) as reader:
            counts = dict(reader.read(lambda database: database.execute(by_class).fetchall()))
            pictures = "SELECT count(*) FROM evidence"
            counts["pictures"] = reader.read(lambda found: found.execute(pictures).fetchone()[0])
            counts["holds"] = len(reader.read(all_holds))
        counts["event"] = counts.get("event", 0) + counts.get("purge", 0)
        return counts
