# SPDX-License-Identifier: Apache-2.0
"""The policies that `scripts/attempt_gains` compares: tables of attempts and searches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from plategate.plates.formats import format_evidence
from plategate.vision.attempts import CASCADE, Asked, Attempt, Cascade, Cut, ReadingState
from plategate.vision.interfaces import Reader
from plategate.vision.localize.detector import Detector
from plategate.vision.localize.refiner import Refiner
from plategate.vision.localize.tflite import Search, TfliteLocalizer
from plategate.vision.pipeline import Pipeline

# In the policies that ask Tesseract about doubtful plates: not above this joined confidence.
SURE = 0.95
NOTHING = 0.001  # a joined confidence below this is that of no text


@dataclass(frozen=True)
class Policy:
    """One way to spend effort on a picture."""

    name: str
    cascade: Cascade = CASCADE
    search: Search = field(default_factory=Search)
    formats: bool = True  # whether the plate formats of all countries count as evidence

    def pipeline(self, detector: Detector, refiner: Refiner, readers: Sequence[Reader]) -> Pipeline:
        """The pipeline of this policy on shared networks."""
        localizers = [TfliteLocalizer(detector, refiner, self.search)]
        evidence = format_evidence(()) if self.formats else None
        return Pipeline(localizers, readers, cascade=self.cascade, evidence=evidence)


def without(cascade: Cascade, *rows: int) -> Cascade:
    """The cascade without some rows of its table."""
    kept = tuple(row for at, row in enumerate(cascade.attempts) if at not in rows)
    return replace(cascade, attempts=kept)


def with_variants(cascade: Cascade, row: int, most: int | None) -> Cascade:
    """The cascade with another limit of variants in one row."""
    rows = list(cascade.attempts)
    rows[row] = replace(rows[row], variants=most)
    return replace(cascade, attempts=tuple(rows))


def with_every_close_up(cascade: Cascade) -> Cascade:
    """The cascade that makes a close-up of every doubtful plate, however weak its reading."""
    rows = list(cascade.attempts)
    rows[CLOSE_UP] = replace(rows[CLOSE_UP], above=0.0)
    return replace(cascade, attempts=tuple(rows))


def with_tesseract(cascade: Cascade) -> Cascade:
    """The cascade that asks the other readers about every doubtful plate."""
    asked = Attempt(Cut.REGION, Asked.OTHERS, ReadingState.DOUBTFUL, below=SURE, variants=2)
    return replace(cascade, attempts=(*cascade.attempts, asked))


def with_tesseract_on_nothing(cascade: Cascade) -> Cascade:
    """The cascade that asks the other readers where the main one finds no text."""
    asked = Attempt(Cut.REGION, Asked.OTHERS, ReadingState.DOUBTFUL, below=NOTHING, variants=1)
    return replace(cascade, attempts=(*cascade.attempts, asked))


def everybody() -> Cascade:
    """The table before costs counted: all variants, a second cut of every plate, all readers."""
    rows = [
        replace(row, variants=None, above=0.0) for row in with_tesseract(CASCADE).attempts[MAIN:]
    ]
    rows.insert(3, Attempt(Cut.REGION, Asked.OTHERS, ReadingState.CONFIRMED, below=SURE))
    return Cascade(tuple(rows))


SMALL, SMALL_SECOND, LIKELY, MAIN, CLOSE_UP, SECOND, UNCONFIRMED, FAILED = range(
    len(CASCADE.attempts)
)
POLICIES = (
    Policy("all variants and readers", everybody(), Search(parts_from=0.0)),
    Policy("shipped"),
    Policy("without the small reader", without(CASCADE, SMALL, SMALL_SECOND)),
    Policy("without the close-up", without(CASCADE, CLOSE_UP)),
    Policy("close-up of every doubtful plate", with_every_close_up(CASCADE)),
    Policy("a clear reading suffices alone from .97", replace(CASCADE, alone=0.97)),
    Policy("without the second cut", without(CASCADE, SECOND)),
    Policy("without Tesseract", without(CASCADE, UNCONFIRMED, FAILED)),
    Policy("Tesseract on every doubtful plate", with_tesseract(CASCADE)),
    Policy("Tesseract where the main reader reads nothing", with_tesseract_on_nothing(CASCADE)),
    Policy("no region is given up", replace(CASCADE, unreadable=0.0)),
    Policy("two variants before the small reader confirms", with_variants(CASCADE, LIKELY, 2)),
    Policy("clear from .7 for the small reader", replace(CASCADE, small_clear=0.7)),
    Policy("one variant at first", with_variants(CASCADE, MAIN, 1)),
    Policy("three variants at first", with_variants(CASCADE, MAIN, 3)),
    Policy("five variants at first", with_variants(CASCADE, MAIN, 5)),
    Policy("two variants in the close-up", with_variants(CASCADE, CLOSE_UP, 2)),
    Policy("parts of every doubtful still", search=Search(parts_from=0.0)),
    Policy("no parts of a still", search=Search(parts=False)),
    Policy("candidates from 35 % of the best", search=Search(rival=0.35)),
    Policy("candidates from 15 % of the best", search=Search(rival=0.15)),
    Policy("without the formats of countries", formats=False),
)
