# SPDX-License-Identifier: Apache-2.0
"""The two interfaces of the vision part: a localizer finds plates, a reader reads one.

A part that is missing or fails raises `ModelError` or `ReaderError`; the pipeline goes on with the
next one and says so once.
"""

from __future__ import annotations

from typing import Protocol

from plategate.values import Image, PlateImage, PlateReading, PlateRegion


class Localizer(Protocol):
    """Finds number plates in a still."""

    @property
    def name(self) -> str:
        """What a region of this localizer carries in its `localizer` field."""
        ...

    def localize(self, image: Image) -> list[PlateRegion]:
        """Plates in `image` (H x W x 3 uint8 BGR, not modified), best first."""
        ...

    def look_closer(self, image: Image, region: PlateRegion, /) -> PlateRegion | None:
        """The plate at `region` found once more from nearer; None where that shows nothing new."""
        ...


class Reader(Protocol):
    """Reads the registration off an upright plate image."""

    @property
    def name(self) -> str:
        """What a reading of this reader carries in its `reader` field."""
        ...

    def read(self, plate: PlateImage) -> PlateReading | None:
        """The registration with a confidence for every character, or None if there is no text."""
        ...
