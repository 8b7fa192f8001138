# SPDX-License-Identifier: Apache-2.0
"""The samples as a store of plates."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from plategate.plate_data.interfaces import EraseRequest, Erasure, Holding, KeptKind
from plategate.samples.store import FOLDER, SampleStore
from plategate.settings.journal import JournalSettings, SamplesSettings


@dataclass(frozen=True)
class SamplePlateStore:
    """The stills that are kept to measure and train readers."""

    name: ClassVar[str] = "samples"
    settings: SamplesSettings
    journal: JournalSettings

    @property
    def folder(self) -> Path:
        """The journal's folder, which has that of the samples."""
        return self.journal.dir

    def kept(self) -> tuple[KeptKind, ...]:
        """The stills."""
        consent = self.settings.consent
        return (
            KeptKind(
                "stills that were unread or corrected, hidden outside the plate",
                f"measure and train readers; consent: {consent or 'none, so no more are kept'}",
                f"{self.settings.days} days, at most {self.settings.stills_max}",
                self._store.count(),
            ),
        )

    def find(self, plate: str) -> list[Holding]:
        """Samples that were read or corrected as the plate.

        A damaged sample is none of them: its picture may show the plate of somebody else.
        """
        return [
            Holding("sample", sample.document(), (self._store.picture(sample.id),))
            for sample in self._store.naming(plate)
        ]

    def erase(self, asked: EraseRequest) -> Erasure:
        """Delete these samples with their pictures, and damaged ones, whose plate is unknown."""
        removed, damaged = self._store.remove_plate(asked.plate)
        counts = {"samples": removed, "damaged samples of an unknown plate": damaged}
        return Erasure({what: count for what, count in counts.items() if count})

    @property
    def _store(self) -> SampleStore:
        return SampleStore(self.journal.dir / FOLDER)
