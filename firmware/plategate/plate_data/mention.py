# SPDX-License-Identifier: Apache-2.0
"""Find a plate in a text, however it is spaced and in whatever letters."""

from __future__ import annotations

import re
import unicodedata

from plategate.errors import ListError
from plategate.plates.text import canonical, decomposed, fold_char

# What people write between the parts of a plate.
_BETWEEN = r"[\s\-.·•_/:]*"
REMOVED = "(erased)"
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")


class Mention:
    """Finds one canonical plate in texts: "AB 12 CDE", "ab-12-cde" and "AB12CDE" are the same."""

    def __init__(self, plate: str) -> None:
        """Raises ListError where `plate` is empty or not canonical."""
        if not plate or canonical(plate) != plate:
            raise ListError(f"{plate!r} is not a plate in canonical form (A-Z and 0-9)")
        self.plate = plate
        spaced = _BETWEEN.join(map(re.escape, plate))
        self._pattern = re.compile(f"(?<![A-Z0-9]){spaced}(?![A-Z0-9])")

    def is_in(self, text: str) -> bool:
        """Whether the plate stands in the text as a word of its own."""
        capitals = text.upper()
        if text.isascii():
            return self._pattern.search(capitals) is not None
        return self._pattern.search(_NOT_ASCII.sub(_folded_run, text).upper()) is not None

    def removed_from(self, text: str) -> str:
        """The text with "(erased)" wherever the plate stands."""
        folded, places = _folded(text)
        parts, end = [], 0
        for found in self._pattern.finditer(folded):
            parts += [text[end : places[found.start()]], REMOVED]
            end = places[found.end() - 1] + 1
        return "".join((*parts, text[end:]))


def _folded(text: str) -> tuple[str, list[int]]:
    """The text with every letter and digit folded, and the place of each character in `text`."""
    folded: list[str] = []
    places: list[int] = []
    for place, char in enumerate(text):
        for part in decomposed(char):
            if unicodedata.combining(part):
                continue  # the accent of the letter before it
            letters = fold_char(part) or part
            folded.append(letters)
            places += [place] * len(letters)
    return "".join(folded), places


def _folded_run(found: re.Match[str]) -> str:
    return _folded(found[0])[0]
