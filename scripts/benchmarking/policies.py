# SPDX-License-Identifier: Apache-2.0
"""Policies compared by `scripts/attempt_gains`: tables of attempts, searches of the localizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from plategate.vision.interfaces import Localizer, Reader
from plategate.vision.localize.contour import ContourLocalizer
from plategate.vision.localize.detector import Detector
from plategate.vision.localize.refiner import Refiner
from plategate.vision.localize.tflite import Search, TfliteLocalizer
from plategate.vision.pipeline import Pipeline
from plategate.vision.region import CASCADE, Cascade


@dataclass(frozen=True)
class Policy:
    """One way to spend effort on a picture."""

    name: str
    cascade: Cascade = CASCADE
    search: Search = field(default_factory=Search)
    contours: bool = False
    readers: tuple[str, ...] = ("tflite", "tesseract")

    def pipeline(self, detector: Detector, refiner: Refiner, readers: Sequence[Reader]) -> Pipeline:
        """The pipeline of this policy on shared networks."""
        localizers: list[Localizer] = [TfliteLocalizer(detector, refiner, self.search)]
        if self.contours:
            localizers.append(ContourLocalizer())
        chosen = [reader for reader in readers if reader.name in self.readers]
        return Pipeline(localizers, chosen, cascade=self.cascade)


def without(cascade: Cascade, *rows: int) -> Cascade:
    """The cascade without some rows of its table."""
    kept = tuple(row for at, row in enumerate(cascade.attempts) if at not in rows)
    return replace(cascade, attempts=kept)


def with_variants(cascade: Cascade, *variants: int | None) -> Cascade:
    """The cascade with these limits of variants, row by row; the others as they are."""
    rows = cascade.attempts
    changed = tuple(replace(row, variants=most) for row, most in zip(rows, variants, strict=False))
    return replace(cascade, attempts=changed + rows[len(changed) :])


ONE_LOOK = with_variants(CASCADE, 1, 1, 1, None, None, None, None)
TWO_LOOKS = with_variants(CASCADE, 2, 2, 1, None, None, None, None)
POLICIES = (
    Policy("base"),
    Policy("base, contours", contours=True),
    Policy("base, no parts", search=Search(parts=False)),
    Policy("variants 3", with_variants(CASCADE, 3, 3, 1)),
    Policy("variants 2", TWO_LOOKS),
    Policy("variants 1", ONE_LOOK),
    Policy("variants 1, close-up 2", with_variants(CASCADE, 1, 2, 1)),
    Policy("variants 1, close-up 3", with_variants(CASCADE, 1, 3, 1)),
    Policy("2, no close-up", without(TWO_LOOKS, 1)),
    Policy("2, alone .99", replace(TWO_LOOKS, alone=0.99)),
    Policy("2, alone .98", replace(TWO_LOOKS, alone=0.98)),
    Policy("2, alone .97", replace(TWO_LOOKS, alone=0.97)),
    Policy("2, tess 1", with_variants(CASCADE, 2, 2, 1, 1, 1, 1, 1)),
    Policy("2, tess 2", with_variants(CASCADE, 2, 2, 1, 2, 2, 2, 2)),
    Policy("2, no tess confirmed", without(TWO_LOOKS, 3)),
    Policy("2, no tess unconfirmed", without(TWO_LOOKS, 4)),
    Policy("2, no tess level", without(TWO_LOOKS, 6)),
    Policy("2, no tess doubtful", without(TWO_LOOKS, 5)),
    Policy("2, no tess", without(TWO_LOOKS, 3, 4, 5, 6)),
)
