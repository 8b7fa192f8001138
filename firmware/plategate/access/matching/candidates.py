# SPDX-License-Identifier: Apache-2.0
"""Candidate look-alike keys for a reading: the keys under which the plate may be listed.

Their number depends on the length of the reading and not on the length of any list, so that each
can be looked up in an index.
"""

from __future__ import annotations

from collections.abc import Iterator

from plategate.plates.combinations import best_combinations
from plategate.plates.text import ALPHABET, lookalike_key
from plategate.values import PlateReading

KEY_CHARACTERS = "".join(sorted(set(lookalike_key(ALPHABET))))
MOST_TEXTS = 24
LEAST_SHARE = 0.01  # least confidence of a character alternative that is considered
LONGEST = 14  # characters; a longer reading is not a plate


def likely_texts(reading: PlateReading) -> list[str]:
    """The reading and its alternative texts, likeliest first, at most MOST_TEXTS."""
    found = dict.fromkeys([reading.text, *(a.text for a in reading.alternatives)])
    for text in _combinations(reading):
        if len(found) >= MOST_TEXTS:
            break
        found[text] = None
    return list(found)[:MOST_TEXTS]


def near_keys(reading: PlateReading) -> set[str]:
    """The look-alike keys of the likely texts."""
    return {lookalike_key(text) for text in likely_texts(reading)}


def wide_keys(reading: PlateReading) -> set[str]:
    """The near keys, and all keys one character (changed, missing, extra) from the reading's."""
    return near_keys(reading) | set(_one_away(lookalike_key(reading.text)))


def _combinations(reading: PlateReading) -> Iterator[str]:
    """Combinations of the character alternatives, likeliest first (k-best search with a heap)."""
    places = []
    for character in reading.characters[:LONGEST]:
        choices = {character.char: max(character.confidence, LEAST_SHARE)}
        choices |= {c: p for c, p in character.alternatives if p >= LEAST_SHARE and c in ALPHABET}
        places.append(sorted(choices.items(), key=lambda choice: (-choice[1], choice[0])))
    for chosen, _ in best_combinations(places):
        yield "".join(chosen)


def _one_away(key: str) -> Iterator[str]:
    if len(key) > LONGEST:
        return
    for place in range(len(key) + 1):
        before, after = key[:place], key[place:]
        if after:
            yield before + after[1:]
        for char in KEY_CHARACTERS:
            yield before + char + after
            if after:
                yield before + char + after[1:]
