# SPDX-License-Identifier: Apache-2.0
"""The outbound process as a store of plates: dead letters, and what has left the site already."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from plategate.durable_files import replace_file
from plategate.outbound.dead_letters import FILE_NAME
from plategate.plate_data.files import has_plate
from plategate.plate_data.interfaces import EraseRequest, Erasure, Holding, KeptKind
from plategate.plate_data.mention import Mention
from plategate.plate_data.sqlite_rows import erase_in_file, find_in_file
from plategate.settings.outbound import OutboundSettings
from plategate.storage import storage_errors

_SENT = {"full": "with plates", "hmac": "with hashed plates", "none": "without plates"}


@dataclass(frozen=True)
class OutboundPlateStore:
    """Positions and dead letters; messages themselves are read from the journal."""

    name: ClassVar[str] = "outbound"
    settings: OutboundSettings

    @property
    def folder(self) -> Path:
        """The folder of the databases."""
        return self.settings.state_dir

    def kept(self) -> tuple[KeptKind, ...]:
        """Dead letters, and the targets that got messages."""
        letters = KeptKind(
            "numbers of events that a target refused, with its last answer",
            "send them again",
            "until they are delivered, at most 1000 for each target",
        )
        notified = KeptKind(
            "what people were notified of, with ids of passages, without plates",
            "one message for each cause",
            "until the next message about the same cause",
        )
        sent = tuple(
            KeptKind(
                f"messages to {target.name} {_SENT[target.plate]}"
                f"{' and with pictures' if target.pictures else ''}",
                "you configured this target",
                "as long as its receiver keeps them",
            )
            for target in self.settings.targets
        )
        return (letters, *((notified,) if self.settings.notifications else ()), *sent)

    def find(self, plate: str) -> list[Holding]:
        """Answers of targets that name the plate."""
        rows = find_in_file(self.settings.state_dir / FILE_NAME, plate)
        alarms = [file for file in self.settings.state_dir.glob("*.json") if has_plate(file, plate)]
        return [Holding("refused message", row) for _, row in rows] + [
            Holding("alarm of a notification", {"file": str(file)}) for file in sorted(alarms)
        ]

    def erase(self, asked: EraseRequest) -> Erasure:
        """Take the plate out of answers; name the receivers that have it."""
        counts = erase_in_file(self.settings.state_dir / FILE_NAME, asked.plate)
        rewritten = self._erase_alarms(asked.plate)
        restart = ["restart plategate-outbound: " + ", ".join(rewritten)] if rewritten else []
        remarks = tuple(
            f"{target.name} got messages {_SENT[target.plate]}: erase the plate there too"
            for target in self.settings.targets
            if target.plate == "full" or target.pictures
        )
        letters = {"refused messages": sum(counts.values())} if counts else {}
        return Erasure(letters, (*restart, *remarks))

    def _erase_alarms(self, plate: str) -> list[str]:
        """Take the plate out of the alarms that notifications remember; names of the files."""
        mention, rewritten = Mention(plate), []
        for file in sorted(self.settings.state_dir.glob("*.json")):
            with storage_errors(file):
                text = file.read_text(encoding="utf-8")
                if mention.is_in(text):
                    replace_file(file, mention.removed_from(text).encode(), mode=0o600)
                    rewritten.append(file.name)
        return rewritten
