# SPDX-License-Identifier: Apache-2.0
"""Write the files of `read --crops`, `--steps` and `--annotate`.

A file that cannot be written raises ImageError; the other pictures are still processed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from plategate.errors import ImageError

if TYPE_CHECKING:
    from plategate.values import Image, Still
    from plategate.vision.pipeline import StillReading

UNKNOWN_TIME = "time-unknown"


@dataclass
class PictureFolders:
    """The folder of each kind of output; None if it is not wanted."""

    crops: Path | None = None
    steps: Path | None = None
    annotate: Path | None = None
    _used: set[Path] = field(default_factory=set)

    def write(self, file: Path, reading: StillReading) -> None:
        """Write all wanted files of one picture; ImageError names a file that cannot be written."""
        if self.crops is not None:
            self._write_crops(self.crops, file, reading)
        if self.annotate is not None:
            self._write_annotated(self.annotate, file, reading)
        if self.steps is not None:
            self._write_steps(self.steps, file, reading)

    def _write_crops(self, folder: Path, file: Path, reading: StillReading) -> None:
        taken = _stamp(reading.still)
        for found in reading.plates:
            name = f"{taken}_{found.reading.text}_{file.stem}.png"
            _write(self._unused(folder / name), found.plate.crop)

    def _write_annotated(self, folder: Path, file: Path, reading: StillReading) -> None:
        from plategate.vision.annotate import Mark, annotate

        marks = [
            Mark(found.region.corners, found.reading.text, found.reading.confidence)
            for found in reading.plates
        ]
        picture = annotate(reading.still.image, marks)
        _write(self._unused(folder / f"{file.stem}.jpg"), picture)

    def _write_steps(self, folder: Path, file: Path, reading: StillReading) -> None:
        from plategate.vision.stages import plate_steps, still_steps

        own = self._unused(folder / file.stem)
        for name, picture in still_steps(reading.still.image, reading.regions):
            _write(own / f"still-{name}.png", picture)
        for number, found in enumerate(reading.plates, 1):
            for name, picture in plate_steps(found.plate):
                _write(own / f"plate-{number}-{name}.png", picture)

    def _unused(self, path: Path) -> Path:
        """The path, with a number appended if this run has already written that name."""
        candidate, number = path, 1
        while candidate in self._used:
            number += 1
            candidate = path.with_name(f"{path.stem}-{number}{path.suffix}")
        self._used.add(candidate)
        return candidate


def _stamp(still: Still) -> str:
    """The capture time in a form for file names."""
    if still.captured_at is None:
        return UNKNOWN_TIME
    return still.captured_at.strftime("%Y-%m-%dT%H-%M-%S%z")


def _write(path: Path, picture: Image) -> None:
    import cv2

    try:
        _, encoded = cv2.imencode(path.suffix, picture)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded.tobytes())
    except OSError as error:
        raise ImageError(f"{path} cannot be written: {error.strerror or error}") from error
    except cv2.error as error:
        raise ImageError(f"{path} cannot be written: {error}") from error
