# SPDX-License-Identifier: Apache-2.0
"""The policies that `scripts/attempt_gains` compares: tables of attempts and searches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from plategate.vision.attempts import CASCADE, Cascade
from plategate.vision.interfaces import Localizer, Reader
from plategate.vision.localize.contour import ContourLocalizer
from plategate.vision.localize.detector import Detector
from plategate.vision.localize.refiner import Refiner
from plategate.vision.localize.tflite import Search, TfliteLocalizer
from plategate.vision.pipeline import Pipeline


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


B = with_variants(replace(without(CASCADE, 3, 4), alone=0.97), 2, 2, 1, 2, 2)
POLICIES = (
    Policy("base", contours=True),
    Policy("B", B),
    Policy("B, tess 1", with_variants(B, 2, 2, 1, 1, 1)),
    Policy("B, no level", without(B, 4)),
    Policy("B, tess level only", without(B, 3)),
    Policy("B, first 1", with_variants(B, 1, 2, 1, 2, 2)),
    Policy("B, 3 variants", with_variants(B, 3, 3, 1, 2, 2)),
    Policy("B, no close-up", without(B, 1)),
    Policy("B, alone .95", replace(B, alone=0.95)),
    Policy("B, parts if suspect", B, Search(parts_from=0.001)),
    Policy("B, parts from .05", B, Search(parts_from=0.05)),
    Policy("B, parts from .12", B, Search(parts_from=0.12)),
    Policy("B, no parts", B, Search(parts=False)),
    Policy("B, no tess", without(B, 3, 4)),
)
