# SPDX-License-Identifier: Apache-2.0
"""The folder of samples: a picture and a JSON file for each, named by the passage's id.

A sample exists if its JSON file does; the picture is written first and removed last. Samples are
personal data: `SampleStore.trim` deletes them by age and number, `remove_plate` by plate. A damaged
JSON file hides no other sample; its plate is unknown, so it is deleted whenever a plate is.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from plategate.durable_files import replace_file
from plategate.errors import StoreError
from plategate.journal.evidence import safe_name
from plategate.plate_data.hidden import Box, hidden_outside
from plategate.plate_data.mention import Mention
from plategate.storage import storage_errors
from plategate.values import Image

FOLDER = "samples"
JPEG_QUALITY = 92


@dataclass(frozen=True, slots=True)
class Sample:
    """One kept still. `box` is the plate in pixels of the picture.

    `why` is "unread" or "corrected", `read` what the readers said, `text` what a person said; both
    are "" if unknown. `who` corrected it.
    """

    id: str
    lane: str
    at: datetime
    why: str
    reason: str
    box: Box
    width_px: int
    height_px: int
    read: str = ""
    text: str = ""
    who: str = ""

    def document(self) -> dict[str, Any]:
        """The sample as JSON types."""
        return asdict(self) | {"at": self.at.astimezone(UTC).isoformat()}


@dataclass(frozen=True, slots=True)
class DamagedSample:
    """A sample whose JSON file has no valid content; `at` is when the file was written."""

    id: str
    at: datetime
    reason: str


class SampleStore:
    """The samples in one folder; every method raises StoreError."""

    def __init__(self, folder: Path) -> None:
        """Nothing is read or created yet."""
        self.folder = folder

    def add(self, sample: Sample, image: Image) -> None:
        """Keep a still (H x W x 3, BGR), hidden outside the plate's box."""
        jpeg = sample_jpeg(image, sample.box)
        with storage_errors(self.folder):
            self.folder.mkdir(mode=0o750, parents=True, exist_ok=True)
            replace_file(self.picture(sample.id), jpeg, mode=0o640)
        self._write(sample)

    def exists(self, sample_id: str) -> bool:
        """Whether a passage has a sample, damaged or not."""
        with storage_errors(self.folder):
            return self._file(sample_id).exists()

    def find(self, sample_id: str) -> Sample | None:
        """The sample of a passage; None if there is none."""
        with storage_errors(self.folder):
            file = self._file(sample_id)
            return _read(file) if file.exists() else None

    def correct(self, sample: Sample, text: str, who: str) -> Sample:
        """Store what a person says is on the plate (canonical text)."""
        corrected = replace(sample, text=text, who=who, why="corrected")
        self._write(corrected)
        return corrected

    def all(self) -> list[Sample]:
        """Every sample that is not damaged, oldest first."""
        return self._contents()[0]

    def count(self) -> int:
        """How many samples there are, damaged ones included."""
        with storage_errors(self.folder):
            return sum(1 for _ in self.folder.glob("*.json"))

    def damaged(self) -> list[DamagedSample]:
        """The samples that cannot be read, oldest first."""
        return self._contents()[1]

    def remove(self, ids: Iterable[str]) -> int:
        """Delete samples and their pictures; returns how many there were."""
        removed = 0
        with storage_errors(self.folder):
            for sample_id in ids:
                file = self._file(sample_id)
                removed += file.exists()
                file.unlink(missing_ok=True)
                self.picture(sample_id).unlink(missing_ok=True)
        return removed

    def naming(self, plate: str) -> list[Sample]:
        """The samples that were read or corrected as this canonical plate, or name it elsewhere."""
        mention = Mention(plate)
        return [s for s in self.all() if mention.is_in(f"{s.read} {s.text} {s.who}")]

    def remove_plate(self, plate: str) -> tuple[int, int]:
        """Delete the samples that name this plate, and damaged ones, whose plate is unknown.

        Returns how many of each.
        """
        damaged = self.remove([each.id for each in self.damaged()])
        return self.remove([each.id for each in self.naming(plate)]), damaged

    def remove_all(self) -> int:
        """Delete every sample, and pictures without one."""
        kept, damaged = self._contents()
        removed = self.remove([s.id for s in kept] + [each.id for each in damaged])
        self._remove_orphans()
        return removed

    def trim(self, most: int, days: int, now: datetime | None) -> int:
        """Delete samples older than `days`, and those beyond `most`; returns how many.

        Damaged samples go first, then uncorrected ones, the oldest first. Without a trusted clock
        `now` is None and the age is not compared.
        """
        kept, damaged = self._contents()
        every = [(each.at, 0, each.id) for each in damaged]
        every += [(each.at, 2 if each.text else 1, each.id) for each in kept]
        old = [] if now is None else [s for s in every if s[0] < now - timedelta(days=days)]
        rest = [s for s in every if s not in old]
        excess = sorted(rest, key=lambda s: (s[1], s[0]))[: max(0, len(rest) - most)]
        removed = self.remove(sample_id for _, _, sample_id in (*old, *excess))
        self._remove_orphans()
        return removed

    def picture(self, sample_id: str) -> Path:
        """The picture of a sample."""
        return self._file(sample_id).with_suffix(".jpg")

    def _file(self, sample_id: str) -> Path:
        return self.folder / f"{safe_name(sample_id)}.json"

    def _contents(self) -> tuple[list[Sample], list[DamagedSample]]:
        """The samples, and those that cannot be read; both oldest first."""
        found, damaged = [], []
        with storage_errors(self.folder):
            for file in sorted(self.folder.iterdir()) if self.folder.is_dir() else ():
                if file.suffix != ".json":
                    continue
                try:
                    written = datetime.fromtimestamp(file.stat().st_mtime, UTC)
                    found.append(_read(file))
                except FileNotFoundError:
                    continue  # deleted meanwhile
                except StoreError as error:
                    damaged.append(DamagedSample(file.stem, written, str(error)))
        found.sort(key=lambda sample: (sample.at, sample.id))
        return found, sorted(damaged, key=lambda each: (each.at, each.id))

    def _write(self, sample: Sample) -> None:
        content = json.dumps(sample.document(), ensure_ascii=False, indent=1).encode()
        with storage_errors(self.folder):
            replace_file(self._file(sample.id), content, mode=0o640)

    def _remove_orphans(self) -> None:
        """Remove pictures whose JSON file was never written, after a power cut."""
        with storage_errors(self.folder):
            for picture in self.folder.glob("*.jpg"):
                if not picture.with_suffix(".json").exists():
                    picture.unlink(missing_ok=True)


def sample_jpeg(image: Image, box: Box) -> bytes:
    """The JPEG file of a still (H x W x 3, BGR), hidden outside `box`; raises StoreError."""
    import cv2

    quality = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    try:
        _, jpeg = cv2.imencode(".jpg", hidden_outside(image, box), quality)
    except cv2.error as error:
        raise StoreError(f"a still of {image.shape} cannot be encoded: {error}") from error
    return jpeg.tobytes()


def _read(file: Path) -> Sample:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
        at, box = datetime.fromisoformat(found.pop("at")), found.pop("box")
        x0, y0, x1, y1 = (float(side) for side in box)
        if at.tzinfo is None:
            raise ValueError("at: has no time zone")
        for key, value in found.items():
            if not isinstance(value, int if key.endswith("_px") else str):
                raise ValueError(f"{key}: is of the wrong type")
        if safe_name(found["id"]) != file.stem:
            raise ValueError("id: is that of another file")
        return Sample(at=at, box=(x0, y0, x1, y1), **found)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise StoreError(
            f"{file}: is not a sample ({error}); `plategate samples remove {file.stem}` deletes it"
        ) from error
