# SPDX-License-Identifier: Apache-2.0
"""Fits the confusion table to real readings, with a prior for rare pairs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from zlib import crc32

from matching.collect import Sample
from plategate.plates.confusions import Confusions, parse_confusions
from plategate.plates.text import TWINS

PRIOR = Path(__file__).with_name("prior.toml")
# Upper bound for a lost end character (with all of 580 ends read, 0.005 cannot be ruled
# out at 95 %). Tow bars, dirt and rims hide more of them at a gate than in photographs.
LEAST_AT_END = 0.005
PRIOR_READINGS = 150.0  # misreads that the prior's shapes are worth
PRIOR_TWINS = 50.0  # characters read as one of a pair of twins that the prior's rate is worth
LEAST_WEIGHT = 1.5  # pairs that are hardly likelier than chance are left out
STRONG = 0.9


def learned(samples: Sequence[Sample], source: str) -> str:
    """The text of a new table; only pairs that occur in the readings change."""
    prior_text = PRIOR.read_text(encoding="utf-8")
    prior = parse_confusions(prior_text)
    misreads, strong, strong_wrong, missed, extra = _count(samples)
    twins = sum(count for (read, true), count in misreads.items() if TWINS.get(read) == true)
    total = sum(misreads.values())
    weights = dict(_weights(prior_text))
    for (first, second), count in misreads.items():
        expected = (
            PRIOR_READINGS / 36 * (prior.instead[first][second] + prior.instead[second][first])
        )
        pair = min(first, second), max(first, second)
        factor = (expected + count) / expected * PRIOR_READINGS / (PRIOR_READINGS + total)
        weights[pair] = max(weights.get(pair, 1.0) * factor, 1.0)
    characters = max(sum(len(sample.truth) for sample in samples), 1)
    rates = {
        "twin": (twins + prior.twin * PRIOR_TWINS) / (_twins_read(samples) + PRIOR_TWINS),
        "misread": max((strong_wrong + 1) / (strong + 100), 0.002),
        "missed_at_end": max(missed["end"] / (2 * len(samples)), LEAST_AT_END),
        "missed_within": max(missed["within"] / characters, 0.0005),
        "extra_at_end": max(extra["end"] / (2 * len(samples)), LEAST_AT_END),
        "extra_within": max(extra["within"] / characters, 0.0005),
    }
    head = prior_text[: prior_text.index("source =")]
    lines = [f'source = "{source}"', "", "[rates]"]
    lines += [f"{name} = {rate:.4f}" for name, rate in rates.items()]
    lines += ["", "[pairs]", *_rows(weights)]
    return head + "\n".join(lines) + "\n"


def cross_fitted(samples: Sequence[Sample]) -> dict[str, Confusions]:
    """For each plate, a table fitted to the half of the plates without it (cross-validation)."""
    halves: tuple[list[Sample], list[Sample]] = ([], [])
    for sample in samples:
        halves[_half(sample.truth)].append(sample)
    tables = [parse_confusions(learned(half, "half of the readings")) for half in halves]
    return {sample.truth: tables[1 - _half(sample.truth)] for sample in samples}


def _half(plate: str) -> int:
    return crc32(plate.encode()) % 2


def _count(
    samples: Sequence[Sample],
) -> tuple[Counter[tuple[str, str]], int, int, Counter[str], Counter[str]]:
    misreads: Counter[tuple[str, str]] = Counter()
    missed: Counter[str] = Counter()
    extra: Counter[str] = Counter()
    strong = strong_wrong = 0
    for sample in samples:
        if sample.reading is None:
            continue
        read, true = sample.reading.text, sample.truth
        if len(read) == len(true) and sum(a != b for a, b in zip(read, true, strict=True)) <= 2:
            for character, char in zip(sample.reading.characters, true, strict=True):
                sure, wrong = character.confidence >= STRONG, character.char != char
                strong += sure
                strong_wrong += sure and wrong
                if wrong:
                    misreads[character.char, char] += 1
        elif len(read) == len(true) - 1 and (place := _lost(read, true)) is not None:
            missed["end" if place in (0, len(true) - 1) else "within"] += 1
        elif len(read) == len(true) + 1 and (place := _lost(true, read)) is not None:
            extra["end" if place in (0, len(read) - 1) else "within"] += 1
    return misreads, strong, strong_wrong, missed, extra


def _twins_read(samples: Sequence[Sample]) -> int:
    return sum(char in TWINS for s in samples if s.reading is not None for char in s.reading.text)


def _lost(short: str, full: str) -> int | None:
    """The position whose removal turns `full` into `short`, or None."""
    places = [n for n in range(len(full)) if full[:n] + full[n + 1 :] == short]
    return places[0] if places else None


def _weights(text: str) -> list[tuple[tuple[str, str], float]]:
    found = []
    for line in text[text.index("[pairs]") :].splitlines()[1:]:
        if row := re.fullmatch(r"(\w) = \{ (.*) \}", line):
            for item in row[2].split(", "):
                second, weight = item.split(" = ")
                pair = min(row[1], second), max(row[1], second)
                found.append((pair, float(weight)))
    return found


def _rows(weights: dict[tuple[str, str], float]) -> list[str]:
    rows: dict[str, list[str]] = {}
    for (first, second), weight in sorted(weights.items()):
        if weight >= LEAST_WEIGHT:
            rows.setdefault(first, []).append(f"{second} = {weight:.3g}")
    return [f"{first} = {{ {', '.join(items)} }}" for first, items in sorted(rows.items())]
