# SPDX-License-Identifier: Apache-2.0
"""The two interfaces of the vision package: a localizer finds plates, a reader reads one.

Together with `values` this is all that a new localizer or reader has to know; `build.py` adds it to
the pipeline. One that is missing or fails raises `ModelError` or `ReaderError`: the pipeline logs
it once and goes on with the next one.
"""

from __future__ import annotations

from typing import Protocol

from plategate.values import Image, PlateImage, PlateReading, PlateRegion


class Localizer(Protocol):
    """Finds number plates in a still."""

    @property
    def name(self) -> str:
        """Name of this localizer; the `localizer` field of its regions."""
        ...

    def localize(self, image: Image, every: bool = True, /) -> list[PlateRegion]:
        """Plates in `image` (H x W x 3 uint8 BGR, not modified), best first.

        Without `every` a cheaper search may end at the first clear plate.
        """
        ...

    def close_up(self, image: Image, region: PlateRegion, /) -> PlateRegion | None:
        """Detect the plate at `region` again in an enlarged window; None if not supported."""
        ...


class Reader(Protocol):
    """Reads the registration from a rectified plate image."""

    @property
    def name(self) -> str:
        """Name of this reader; the `reader` field of its readings and its calibration's key."""
        ...

    def read(self, plate: PlateImage, variants: int | None = None) -> PlateReading | None:
        """The registration with one confidence a character; None if there is no text.

        A reader may read several variants of the image until one is confident: at most `variants`.
        """
        ...
