# SPDX-License-Identifier: Apache-2.0
"""Store the pictures of a passage as JPEG files, each flushed before a row refers to it.

Pictures are personal data; `retention` decides how long they stay.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from plategate.durable_files import replace_file, sync_folder
from plategate.errors import StoreError, reason_of
from plategate.plate_data.hidden import hidden_outside, scaled_box
from plategate.settings.journal import JournalSettings
from plategate.values import Image, PlateImage, PlateSighting

FOLDER = "evidence"
NO_ROOM = "no pictures are stored: less than"


@dataclass(frozen=True)
class EvidenceFile:
    """A stored picture: "plate" or "still", path below the journal's folder, hash and size."""

    kind: str
    file: str
    sha256: str
    size_bytes: int


def store_evidence(
    settings: JournalSettings, passage_id: str, at: datetime, sighting: PlateSighting | None
) -> tuple[EvidenceFile, ...]:
    """Write the still and the crop that was read.

    Raises StoreError where a picture cannot be written or space is short.
    """
    if sighting is None or settings.evidence == "none":
        return ()
    if not has_room(settings):
        raise StoreError(
            f"{NO_ROOM} journal.min_free_mb = {settings.min_free_mb} MB are free in {settings.dir}"
        )
    pictures: list[tuple[str, Image]] = []
    if sighting.plate is not None:
        pictures.append(("plate", sighting.plate.crop))
    if sighting.still is not None and settings.evidence == "both":
        still = _still(settings, sighting.still.image, sighting.plate)
        if still is not None:
            pictures.append(("still", still))
    folder = settings.dir / FOLDER / at.strftime("%Y-%m-%d")
    name = f"{at.strftime('%Y%m%dT%H%M%S')}_{safe_name(passage_id)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stored = tuple(
            _store(settings, kind, folder / f"{name}_{kind}.jpg", _jpeg(settings, image))
            for kind, image in pictures
            if image.size
        )
        if stored:
            sync_folder(folder)
            sync_folder(folder.parent)
    except OSError as error:
        raise StoreError(f"no pictures are stored in {folder}: {reason_of(error)}") from error
    return stored


def has_room(settings: JournalSettings) -> bool:
    """Whether as much space is free as `min_free_mb` asks for."""
    return shutil.disk_usage(settings.dir).free >= settings.min_free_mb * 1_000_000


def _store(settings: JournalSettings, kind: str, file: Path, jpeg: bytes) -> EvidenceFile:
    replace_file(file, jpeg, flush_name=False)
    relative = str(file.relative_to(settings.dir))
    return EvidenceFile(kind, relative, hashlib.sha256(jpeg).hexdigest(), len(jpeg))


def _jpeg(settings: JournalSettings, image: Image) -> bytes:
    import cv2

    quality = [cv2.IMWRITE_JPEG_QUALITY, settings.jpeg_quality]
    try:
        _, encoded = cv2.imencode(".jpg", image, quality)
    except cv2.error as error:
        raise StoreError(f"a picture of {image.shape} cannot be encoded: {error}") from error
    return encoded.tobytes()


def _still(settings: JournalSettings, image: Image, plate: PlateImage | None) -> Image | None:
    """The still as it is stored; None where nothing of it may be shown."""
    narrowed = _narrowed(image, settings.still_width_px)
    if not settings.blur_stills:
        return narrowed
    if plate is None:
        return None
    box = scaled_box(plate.region.corners, narrowed.shape[1] / image.shape[1])
    return hidden_outside(narrowed, box)


def _narrowed(image: Image, width_px: int) -> Image:
    import cv2

    height, width = image.shape[:2]
    if width <= width_px:
        return image
    size = (width_px, max(1, round(height * width_px / width)))
    narrowed: Image = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype("uint8")
    return narrowed


def safe_name(passage_id: str) -> str:
    """The part of a file's name that the id of a passage gives."""
    return "".join(c if c.isalnum() or c in "-_" else "_" for c in passage_id)[:64]
