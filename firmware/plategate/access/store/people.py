# SPDX-License-Identifier: Apache-2.0
"""Fuzzy search for owners by name: every word may contain one typing error.

All spellings within one error are looked up in the word index of the records, so that the time does
not depend on the number of records.
"""

from __future__ import annotations

import sqlite3
import unicodedata

from plategate.access.store.database import batches

SHORTEST_FUZZY_WORD = 3  # an error in a shorter word makes it another word
LONGEST_WORD = 24
MOST_WORDS = 6
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
# Letters that have no decomposition into a plain letter and an accent.
_PLAIN = str.maketrans(
    dict(ł="l", ø="o", đ="d", ð="d", ħ="h", ŧ="t", ı="i", ŋ="n", þ="th", æ="ae", œ="oe", ə="e")
)


def plain_words(name: str) -> str:
    """A name in lower case without accents, strokes, ligatures and punctuation: the search key."""
    plain = unicodedata.normalize("NFKD", name.casefold().translate(_PLAIN)).translate(_PLAIN)
    return " ".join(
        "".join(c if c.isalnum() else " " for c in plain if not unicodedata.combining(c)).split()
    )


def people_query(connection: sqlite3.Connection, name: str) -> str | None:
    """The full-text query for a name; None if one of its words is in no record."""
    words = [word[:LONGEST_WORD] for word in plain_words(name).split()][:MOST_WORDS]
    if not words:
        return None
    groups = []
    for word in words:
        spellings = _known(connection, _spellings(word))
        if not spellings:
            return None
        groups.append("(" + " OR ".join(f'"{spelling}"' for spelling in spellings) + ")")
    return " AND ".join(groups)


def _spellings(word: str) -> list[str]:
    if len(word) < SHORTEST_FUZZY_WORD:
        return [word]
    splits = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    found = {word}
    found |= {a + b[1:] for a, b in splits if b}
    found |= {a + b[1] + b[0] + b[2:] for a, b in splits if len(b) > 1}
    found |= {a + letter + b[1:] for a, b in splits if b for letter in _LETTERS}
    found |= {a + letter + b for a, b in splits for letter in _LETTERS}
    return sorted(found)


def _known(connection: sqlite3.Connection, spellings: list[str]) -> list[str]:
    known: list[str] = []
    for batch in batches(spellings):
        marks = ",".join("?" * len(batch))
        query = f"SELECT term FROM people_words WHERE term IN ({marks})"
        known += [row[0] for row in connection.execute(query, batch)]
    return known
