# SPDX-License-Identifier: Apache-2.0
"""Write the files of `read --crops`, `--steps` and `--annotate`.

Existing files are never overwritten: a number is added to the name. A file that cannot be written
raises ImageError; the other pictures are still processed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from plategate.errors import ImageError, reason_of
from plategate.output_files import whole_file

if TYPE_CHECKING:
    from datetime import datetime

    from plategate.values import Image
    from plategate.vision.pipeline import StillReading

UNKNOWN_TIME = "time-unknown"
LARGEST_JPEG_PX = 65_500  # width and height; larger pictures are written as PNG


@dataclass
class PictureFolders:
    """The folder of each kind of output; None if it is not wanted."""

    crops: Path | None = None
    steps: Path | None = None
    annotate: Path | None = None

    def write(self, file: Path, reading: StillReading) -> None:
        """Write all wanted files of one picture; ImageError names a file that cannot be written."""
        if self.crops is not None:
            self._write_crops(self.crops, file, reading)
        if self.annotate is not None:
            self._write_annotated(self.annotate, file, reading)
        if self.steps is not None:
            self._write_steps(self.steps, file, reading)

    def _write_crops(self, folder: Path, file: Path, reading: StillReading) -> None:
        for found in reading.plates:
            name = picture_name(reading.still.captured_at, found.reading.text, file)
            write_picture(folder / f"{name}.png", found.plate.crop)

    def _write_annotated(self, folder: Path, file: Path, reading: StillReading) -> None:
        from plategate.vision.annotate import Mark, annotate

        marks = [
            Mark(found.region.corners, found.reading.text, found.reading.confidence)
            for found in reading.plates
        ]
        picture = annotate(reading.still.image, marks)
        kind = ".jpg" if max(picture.shape) <= LARGEST_JPEG_PX else ".png"
        write_picture(folder / f"{file.stem}{kind}", picture)

    def _write_steps(self, folder: Path, file: Path, reading: StillReading) -> None:
        from plategate.vision.stages import plate_steps, still_steps

        own = unused(folder / file.stem)
        for name, picture in still_steps(reading.still.image, reading.regions):
            write_picture(own / f"still-{name}.png", picture)
        for number, found in enumerate(reading.plates, 1):
            for name, picture in plate_steps(found.plate):
                write_picture(own / f"plate-{number}-{name}.png", picture)


def picture_name(taken: datetime | None, text: str, file: Path) -> str:
    """Name of a picture of one plate, without suffix: capture time, text, name of the source."""
    stamp = UNKNOWN_TIME if taken is None else taken.strftime("%Y-%m-%dT%H-%M-%S%z")
    return f"{stamp}_{text}_{file.stem}"


def unused(path: Path) -> Path:
    """The path, with a number added if it exists already."""
    candidate, number = path, 1
    while candidate.exists() or candidate.is_symlink():
        number += 1
        candidate = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return candidate


def write_picture(path: Path, picture: Image) -> None:
    """Encode by the suffix and write to a new file at this path, or with a number added."""
    import cv2

    try:
        done, encoded = cv2.imencode(path.suffix, picture)
    except cv2.error as error:
        raise ImageError(f"{path} cannot be written: {error}") from error
    if not done:
        size = "x".join(str(side) for side in picture.shape[1::-1])
        raise ImageError(f"{path} cannot be written: {size} px is too large for {path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(unused(path)) as file:
            file.write(encoded.tobytes())
    except OSError as error:
        raise ImageError(f"{path} cannot be written: {reason_of(error)}") from error
