# SPDX-License-Identifier: Apache-2.0
"""Join readings of one plate, by several readers, crops or stills, into one reading.

Readings are laid side by side character by character and their opinions multiplied. Agreement
raises confidence; disagreement lowers it and is never averaged away. Pure and deterministic: the
order of the readings does not matter.
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
    UNCALIBRATED,
    UNCONFIRMED,
    Calibration,
    installed_calibration,
)
from plategate.vision.consensus.columns import View, pooled, view_of
from plategate.vision.consensus.ends import SOME_DOUBT, end_doubt, ends, longer
from plategate.vision.consensus.settle import SHOWN_TEXTS, Evidence, settle

Views = Mapping[int, list[View]]  # of the characters of each reading, by its identity

# Readings less alike than this are of different plates, or one of them is of no plate.
ONE_PLATE = 0.4


def agree_readings(
    readings: Sequence[PlateReading],
    evidence: Evidence | None = None,
    calibration: Calibration | None = None,
) -> PlateReading | None:
    """One reading out of those of several readers and crops of one plate; None if there is none.

    `evidence` gives the log-odds that a text is a plate at all (see `grammar`). Without
    `calibration` the one that came with the models is used.
    """
    calibration = calibration or installed_calibration()
    claims = [calibration.reading(r) for r in readings]
    joined = _join(claims, evidence, calibration)
    if joined is None or len(claims) == 1:
        return joined
    joined = _also(joined, _dissenting(claims, joined.text, calibration))
    # An end that one reading of a still doubts is in that still for the others too: where they
    # agree on the shorter text, they may all have overlooked the same bar.
    same = [r for r in claims if r.text == joined.text]
    doubting = max(same, key=end_doubt, default=joined)
    doubt = end_doubt(doubting)
    if doubt < SOME_DOUBT:
        return joined
    return _also(_capped(joined, 1 - doubt), longer(doubting))


def agree_burst(readings: Sequence[PlateReading]) -> PlateReading | None:
    """One reading out of the agreed readings of several stills of one burst."""
    return _join(readings, None, UNCALIBRATED)


def _join(
    readings: Sequence[PlateReading], evidence: Evidence | None, calibration: Calibration
) -> PlateReading | None:
    ranked = sorted(
        (r for r in readings if r.characters),
        key=lambda r: (-r.confidence * calibration.weight(r.reader), r.reader, r.text, _claims(r)),
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
        doubtful = any(end_doubt(r) >= SOME_DOUBT for r in ranked)
        return joined if doubtful else _raised(joined, best)
    share = masses[first] / sum(masses) if sum(masses) > 0 else 0.0
    return _capped(joined, min(best.confidence, share if len(groups) > 1 else 1.0))


def support(readings: Sequence[PlateReading], text: str) -> str:
    """How readings stand to the text that came out of them: one of SUPPORTS.

    A reader of blurred strokes that reads something else altogether says little; one that reads the
    same plate with one other character says that this character is in doubt.
    """
    if len({r.reader for r in readings}) == 1:
        return CUTS
    agreeing = {r.reader for r in readings if fold(r.text) == fold(text)}
    if len(agreeing) > 1:
        return CONFIRMED
    others = (r.text for r in readings if r.reader not in agreeing)
    return CONTESTED if any(_one_differs(other, text) for other in others) else UNCONFIRMED


def _one_differs(one: str, other: str) -> bool:
    """Whether texts of the same length differ in just one character, look-alikes folded."""
    if len(one) != len(other):
        return False
    return sum(a != b for a, b in zip(fold(one), fold(other), strict=True)) == 1


def _claims(reading: PlateReading) -> tuple[object, ...]:
    """All that a reading says beside its text: what puts readings into one order, always."""
    return (
        tuple((one.confidence, one.alternatives) for one in reading.characters),
        tuple((one.text, one.confidence) for one in reading.alternatives),
    )


def _groups(ranked: Sequence[PlateReading], views: Views) -> list[list[PlateReading]]:
    """Readings that may be of the same plate together; each group starts with its surest."""
    groups: list[list[PlateReading]] = []
    for reading in ranked:
        for group in groups:
            if likeness(views[id(group[0])], views[id(reading)]) >= ONE_PLATE:
                group.append(reading)
                break
        else:
            groups.append([reading])
    return groups


def _mass(reading: PlateReading, calibration: Calibration) -> float:
    """What a reading counts against those of other plates; squared, so that noise counts little."""
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
    """By reader, less for each further reading of the same one; the largest is 1."""
    seen: dict[str, int] = {}
    weights = []
    for reading in group:
        times = seen.get(reading.reader, 0)
        seen[reading.reader] = times + 1
        weights.append(calibration.weight(reading.reader) * calibration.repeat ** min(times, 1))
    return [weight / max(weights) for weight in weights]


def _views(reading: PlateReading) -> list[View]:
    before, behind = ends(reading)
    return [*before, *(view_of(character) for character in reading.characters), *behind]


def _raised(joined: PlateReading, best: PlateReading) -> PlateReading:
    """Readings that all agree are at least as sure as the surest of them."""
    pairs = zip(joined.characters, best.characters, strict=True)
    return replace(joined, characters=tuple(_at_least(c, b.confidence) for c, b in pairs))


def _capped(joined: PlateReading, limit: float) -> PlateReading:
    """The reading with no character surer than `limit`."""
    return replace(joined, characters=tuple(_at_most(c, limit) for c in joined.characters))


def _also(joined: PlateReading, texts: Sequence[TextAlternative]) -> PlateReading:
    """The reading with other texts that it may be, each as likely as it was held at most."""
    shares = {one.text: one.confidence for one in joined.alternatives}
    for one in texts:
        shares[one.text] = max(one.confidence, shares.get(one.text, 0.0))
    order = sorted(shares.items(), key=lambda item: (-item[1], item[0]))[:SHOWN_TEXTS]
    return replace(joined, alternatives=tuple(TextAlternative(*item) for item in order))


def _dissenting(
    claims: Sequence[PlateReading], text: str, calibration: Calibration
) -> list[TextAlternative]:
    """What single readings say that did not come out, as likely as their reader counts."""
    return [
        TextAlternative(r.text, calibration.weight(r.reader) * r.confidence)
        for r in claims
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
