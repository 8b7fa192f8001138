# SPDX-License-Identifier: Apache-2.0
"""Join readings of one plate, from several readers, crops or stills, into one reading.

Readings are aligned character by character and their likelihoods multiplied. Agreement raises
confidence; disagreement lowers it and is never averaged away. Pure and deterministic: the order of
the readings does not matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from plategate.plates.text import fold
from plategate.values import CharacterReading, PlateReading, TextAlternative
from plategate.vision.consensus.align import align, likeness
from plategate.vision.consensus.calibrate import (
    AGREED,
    CONFIRMED,
    CONTESTED,
    CUTS,
    DIVIDED,
    UNCALIBRATED,
    UNCONFIRMED,
    Calibration,
    installed_calibration,
)
from plategate.vision.consensus.columns import (
    SOME_DOUBT,
    View,
    end_doubt,
    ends,
    longer,
    pooled,
    view_of,
)
from plategate.vision.consensus.settle import SHOWN_TEXTS, Evidence, settle

Views = Mapping[int, list[View]]  # the views of each reading, by the reading's id()

# Readings with a smaller share of equal characters are of different plates, or one is noise.
ONE_PLATE = 0.4


def agree_readings(
    readings: Sequence[PlateReading],
    evidence: Evidence | None = None,
    calibration: Calibration | None = None,
) -> PlateReading | None:
    """The joined reading of several readers and crops of one plate; None if there is no reading.

    `evidence` gives the log odds that a text is a plate at all (see `plates.formats`). Without
    `calibration` the shipped one is used.
    """
    calibration = calibration or installed_calibration()
    calibrated = [calibration.reading(r) for r in readings]
    joined = _join(calibrated, evidence, calibration)
    if joined is None or len(calibrated) == 1:
        return joined
    joined = _with_alternatives(joined, _dissenting(calibrated, joined.text, calibration))
    # All readings are of the same still: if one doubts an end of the plate, the others may have
    # missed the same narrow character there.
    same = [r for r in calibrated if r.text == joined.text]
    doubting = max(_heaviest(same, calibration), key=end_doubt, default=joined)
    doubt = end_doubt(doubting)
    if doubt < SOME_DOUBT:
        return joined
    return _with_alternatives(_capped(joined, 1 - doubt), longer(doubting))


def agree_burst(readings: Sequence[PlateReading]) -> PlateReading | None:
    """The joined reading of several stills of one burst, each joined already."""
    return _join(readings, None, UNCALIBRATED)


def _join(
    readings: Sequence[PlateReading], evidence: Evidence | None, calibration: Calibration
) -> PlateReading | None:
    ranked = sorted(
        (r for r in readings if r.characters),
        key=lambda r: (-r.confidence * calibration.weight(r.reader), r.reader, r.text, _content(r)),
    )
    if not ranked:
        return None
    views = {id(r): _views(r) for r in ranked}
    if len(ranked) == 1:
        return _pooled(ranked, views, evidence, calibration)
    groups = _groups(ranked, views)
    masses = [sum(_mass(r, calibration) for r in group) for group in groups]
    first = max(range(len(groups)), key=lambda i: masses[i])
    pool = _pooled(groups[first], views, evidence, calibration)
    joined = calibration.joined(pool, support(ranked, pool.text))
    best = max(ranked, key=lambda r: r.confidence)
    if all(r.text == joined.text for r in ranked):
        heaviest = _heaviest(ranked, calibration)
        doubtful = any(end_doubt(r) >= SOME_DOUBT for r in heaviest)
        return joined if doubtful else _raised(joined, best)
    share = masses[first] / sum(masses) if sum(masses) > 0 else 0.0
    return _capped(joined, min(best.confidence, share if len(groups) > 1 else 1.0))


def support(readings: Sequence[PlateReading], text: str) -> str:
    """How the readings support the joined text: one of SUPPORTS.

    A second reader with a quite different text has probably read noise and carries little
    information; one that differs in a single character puts this character in doubt. A reader
    that has another text on another cut is weak support, even if a second reader agrees with it.
    """
    folded = fold(text)
    texts = [fold(r.text) for r in readings]
    agreeing = {r.reader for r, other in zip(readings, texts, strict=True) if other == folded}
    others = [r for r, other in zip(readings, texts, strict=True) if other != folded]
    if any(r.reader in agreeing for r in others):
        return DIVIDED
    if len({r.reader for r in readings}) == 1:
        return CUTS
    if len(agreeing) > 1:
        return CONFIRMED
    return CONTESTED if any(_one_differs(other.text, text) for other in others) else UNCONFIRMED


def _one_differs(one: str, other: str) -> bool:
    """Whether texts of the same length differ in exactly one character, O=0 and I=1 folded."""
    if len(one) != len(other):
        return False
    return sum(a != b for a, b in zip(fold(one), fold(other), strict=True)) == 1


def _content(reading: PlateReading) -> tuple[object, ...]:
    """Everything but the text, as a sort key, so that readings always have the same order."""
    return (
        tuple((one.confidence, one.alternatives) for one in reading.characters),
        tuple((one.text, one.confidence) for one in reading.alternatives),
    )


def _groups(ranked: Sequence[PlateReading], views: Views) -> list[list[PlateReading]]:
    """Readings grouped by plate; each group starts with its most confident reading."""
    groups: list[list[PlateReading]] = []
    for reading in ranked:
        for group in groups:
            if reading.text == group[0].text or (
                likeness(views[id(group[0])], views[id(reading)]) >= ONE_PLATE
            ):
                group.append(reading)
                break
        else:
            groups.append([reading])
    return groups


def _mass(reading: PlateReading, calibration: Calibration) -> float:
    """Weight of a reading against groups of other plates; squared, so that noise weighs little."""
    return calibration.weight(reading.reader) * reading.confidence**2


def _pooled(
    group: Sequence[PlateReading],
    views: Views,
    evidence: Evidence | None,
    calibration: Calibration,
) -> PlateReading:
    weights = _weights(group, calibration)
    columns = [pooled(column, weights) for column in align([views[id(r)] for r in group])]
    characters, alternatives = settle(columns, evidence)
    reader = group[0].reader if len({r.reader for r in group}) == 1 else AGREED
    return PlateReading(characters, reader, alternatives)


def _weights(group: Sequence[PlateReading], calibration: Calibration) -> list[float]:
    """Weights by reader, lower for further readings of the same reader; the largest is 1."""
    seen: dict[str, int] = {}
    weights = []
    for reading in group:
        times = seen.get(reading.reader, 0)
        seen[reading.reader] = times + 1
        weights.append(calibration.weight(reading.reader) * calibration.repeat ** min(times, 1))
    return [weight / max(weights) for weight in weights]


def _heaviest(readings: Sequence[PlateReading], calibration: Calibration) -> list[PlateReading]:
    """The readings of the reader with the greatest weight, whose doubt about an end counts."""
    most = max((calibration.weight(r.reader) for r in readings), default=0.0)
    return [r for r in readings if calibration.weight(r.reader) == most]


def _views(reading: PlateReading) -> list[View]:
    before, behind = ends(reading)
    return [*before, *(view_of(character) for character in reading.characters), *behind]


def _raised(joined: PlateReading, best: PlateReading) -> PlateReading:
    """The joined reading with at least the confidences of the best, where all texts agree."""
    pairs = zip(joined.characters, best.characters, strict=True)
    raised = tuple([_at_least(character, of_best.confidence) for character, of_best in pairs])
    return PlateReading(raised, joined.reader, joined.alternatives)


def _capped(joined: PlateReading, limit: float) -> PlateReading:
    """The reading with all confidences limited to `limit`."""
    return replace(joined, characters=tuple(_at_most(c, limit) for c in joined.characters))


def _with_alternatives(joined: PlateReading, texts: Sequence[TextAlternative]) -> PlateReading:
    """The reading with further alternatives; each text keeps its highest confidence."""
    shares = {one.text: one.confidence for one in joined.alternatives}
    for one in texts:
        shares[one.text] = max(one.confidence, shares.get(one.text, 0.0))
    order = sorted(shares.items(), key=lambda item: (-item[1], item[0]))[:SHOWN_TEXTS]
    return replace(joined, alternatives=tuple(TextAlternative(*item) for item in order))


def _dissenting(
    calibrated: Sequence[PlateReading], text: str, calibration: Calibration
) -> list[TextAlternative]:
    """Texts of single readings that differ from the joined text, weighted by their reader."""
    return [
        TextAlternative(r.text, calibration.weight(r.reader) * r.confidence)
        for r in calibrated
        if r.characters and r.text != text
    ]


def _at_most(character: CharacterReading, limit: float) -> CharacterReading:
    return replace(character, confidence=min(character.confidence, limit))


def _at_least(character: CharacterReading, limit: float) -> CharacterReading:
    if character.confidence >= limit:
        return character
    scale = (1 - limit) / (1 - character.confidence)
    others = tuple((char, share * scale) for char, share in character.alternatives)
    return CharacterReading(character.char, limit, others)
