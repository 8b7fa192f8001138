# SPDX-License-Identifier: Apache-2.0
"""Keep stills of unread passages as samples, and those that a person corrects, if consented to.

Nothing is kept while `samples.consent` is empty. A still is kept only if the place of the plate in
it is known, since everything else in it is hidden.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from plategate.documents import PASSAGE
from plategate.errors import CommandError, ImageError, StoreError
from plategate.gate.interfaces import Service
from plategate.journal.evidence import has_room
from plategate.journal.reader import JournalReader, StoredEvent
from plategate.messages import Report
from plategate.plate_data.hidden import Box, scaled_box
from plategate.plates.written import PlateTextError, parse_plate
from plategate.remote.protocol import CommandRequest, ServiceName
from plategate.samples.store import FOLDER, Sample, SampleStore
from plategate.settings import Settings
from plategate.values import Image, Passage, PlateRegion, PlateSighting, Reason

logger = logging.getLogger(__name__)

UNREAD = frozenset(
    {Reason.NOT_READABLE, Reason.NOTHING_SEEN, Reason.WEAK_READING, Reason.AMBIGUOUS}
)


class SampleKeeper:
    """Observes the gate's passages and follows the command "sample"."""

    def __init__(self, settings: Callable[[], Settings]) -> None:
        """`settings` returns those in force."""
        self._settings = settings
        self._store = SampleStore(settings().journal.dir / FOLDER)

    def recorded(self, passage: Passage, sighting: PlateSighting | None) -> None:
        """Keep the still of an unread passage; a failure is logged."""
        if not self._settings().samples.consent or passage.verdict.reason not in UNREAD:
            return
        region = None if sighting is None else _region(sighting)
        if sighting is None or sighting.still is None or region is None:
            return
        try:
            self._keep(
                _sample(passage, "unread", region.box, sighting.still.image), sighting.still.image
            )
        except StoreError as error:
            logger.warning("no sample of passage %s: %s", passage.id, error)

    def reported(self, report: Report) -> None:
        """Reports are no samples."""

    def tidy(self, now: datetime, clock_trusted: bool) -> None:
        """Delete samples past their time, and all of them once the consent is withdrawn."""
        settings = self._settings().samples
        try:
            most = settings.stills_max if settings.consent else 0
            self._store.trim(most, settings.days, now if clock_trusted else None)
        except StoreError as error:
            logger.warning("old samples cannot be removed: %s", error)

    def services(self) -> dict[ServiceName, Service]:
        """The command "sample", for the command socket."""
        return {ServiceName.SAMPLE: self.correct}

    def correct(self, request: CommandRequest) -> tuple[str, dict[str, Any]]:
        """Keep the still of a passage with its corrected text, or correct the sample of it.

        In `data`, `passage` is its id and `text` the plate as a person reads it. Raises
        CommandError, StoreError.
        """
        if not self._settings().samples.consent:
            raise CommandError("samples.consent is empty; give it with `plategate samples on`")
        passage_id, text = _arguments(request)
        sample = self._store.find(passage_id)
        if sample is None:
            self._keep_evidence(passage_id)
            sample = self._store.find(passage_id)
        if sample is None:
            raise StoreError(
                f"the sample of passage {passage_id} was removed in the meantime; try again"
            )
        self._store.correct(sample, text, request.who)
        return f"kept as {self._store.picture(passage_id).name}", {}

    def _keep_evidence(self, passage_id: str) -> None:
        """Make a sample of the still that the journal keeps of a passage."""
        folder = self._settings().journal.dir
        with closing(JournalReader(folder)) as journal:
            found = journal.passage(passage_id)
        if not found or found[0].kind != PASSAGE:
            raise CommandError(f"the journal has no passage {passage_id}")
        stored = found[0]
        file = dict(stored.evidence).get("still")
        if file is None:
            raise CommandError(
                f"no still of passage {passage_id} is kept; journal.evidence must be both,"
                " and stills are deleted after journal.evidence_days"
            )
        image = _picture(folder / file)
        box = _box_in(stored, image)
        self._keep(_sample(stored.passage, "corrected", box, image), image)

    def _keep(self, sample: Sample, image: Image) -> None:
        settings = self._settings()
        if not has_room(settings.journal):
            raise StoreError(f"less than journal.min_free_mb = {settings.journal.min_free_mb} free")
        self._store.add(sample, image)
        self._store.trim(settings.samples.stills_max, settings.samples.days, None)


def _region(sighting: PlateSighting) -> PlateRegion | None:
    """The plate of an unread still: the one that was read weakly, else the likeliest region."""
    if sighting.plate is not None:
        return sighting.plate.region
    return max(sighting.unread, key=lambda region: region.confidence, default=None)


def _sample(passage: Passage, why: str, box: Box, image: Image) -> Sample:
    height, width = image.shape[:2]
    return Sample(
        id=passage.id,
        lane=passage.lane,
        at=passage.triggered_at,
        why=why,
        reason=passage.verdict.reason.value,
        box=box,
        width_px=width,
        height_px=height,
        read=passage.reading.text if passage.reading else "",
    )


def _arguments(request: CommandRequest) -> tuple[str, str]:
    """Passage and canonical plate; raises CommandError."""
    data = request.data or {}
    if data.keys() != {"passage", "text"} or not all(isinstance(v, str) for v in data.values()):
        raise CommandError("data: must be passage (an id) and text (the plate), both texts")
    try:
        return data["passage"], parse_plate(data["text"])
    except PlateTextError as error:
        raise CommandError(f"data.text: {error}") from None


def _picture(file: Path) -> Image:
    # Imported here: the gate uses the decoder of files, and Pillow, for this command only.
    from plategate.vision.images import load_still

    try:
        return load_still(file).image
    except ImageError as error:
        raise StoreError(f"{file}: {error}") from error


def _box_in(stored: StoredEvent, image: Image) -> Box:
    """The plate's box in the stored still, which may be smaller than the one that was read."""
    sighting = stored.document.get("sighting") or {}
    corners, size = sighting.get("corners"), sighting.get("still_px")
    if not corners or not size:
        raise CommandError(
            f"the place of the plate in the still of {stored.document['id']} is not known,"
            " so other things in it cannot be hidden"
        )
    return scaled_box(corners, image.shape[1] / size[0])
