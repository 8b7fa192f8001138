# SPDX-License-Identifier: Apache-2.0
"""National plate formats: load a country file, and score how well a text fits the formats.

A country is one file, `countries/xx.toml` (xx: ISO 3166 code). Its `[[pattern]]` tables describe
the formats, and its `[registration]` table, where present, is read by `registration`. In a form,
`A` is a letter of the country's `letters`, `9` a digit, `[ABC]` one of these characters, `{name}`
one text of the list `name`; `(m-n)` after any of them repeats it m to n times (0 is allowed).
"""

from __future__ import annotations

import itertools
import math
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from plategate.errors import SettingsError
from plategate.plates.text import ALPHABET, DIGITS, LETTERS
from plategate.values import PlateReading

FOLDER = Path(__file__).parent / "countries"
LONGEST = 11
# Weight of the format evidence relative to the readers' own evidence. Chosen by the lowest log loss
# on held-out folds of the validation split (models/training/calibration/format_gain.py).
STRENGTH = 0.6
# Limit of the log odds before they are weighed. With it the odds of two texts change at most
# sixtyfold, so no format overrules a text to which the readers give 98.5 % or more.
MOST_LOG_ODDS = 4.5
# Share of a country's plates that fit none of its formats: military, old, personalised, foreign.
IRREGULAR = 0.1
# Limits of `looks_like_plate`: characters, and confidence of the weakest character.
SHORTEST, SHORTEST_WITH_ONE_KIND, LONGEST_WITHOUT_DIGIT = 2, 3, 8
LEAST_CONFIDENCE, LEAST_IF_SHORT, LEAST_WITHOUT_DIGIT = 0.05, 0.5, 0.8

_SHAPE = str.maketrans(LETTERS + DIGITS, "A" * len(LETTERS) + "9" * len(DIGITS))
_TOKEN = re.compile(r"(A|9|\[[^\]]+\]|\{\w+\})(?:\((\d+)-(\d+)\))?")


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of characters of fixed length, and every text it may contain."""

    length: int
    texts: frozenset[str]


@dataclass(frozen=True, slots=True)
class Format:
    """One plate format of fixed length."""

    pieces: tuple[Piece, ...]

    @property
    def length(self) -> int:
        return sum(piece.length for piece in self.pieces)

    @property
    def texts(self) -> int:
        """The number of texts that fit this format."""
        return math.prod(len(piece.texts) for piece in self.pieces)

    @property
    def shapes(self) -> set[str]:
        """The shapes (see `shape_of`) of all texts that fit this format."""
        runs = [{shape_of(text) for text in piece.texts} for piece in self.pieces]
        return {"".join(picked) for picked in itertools.product(*runs)}

    def fits(self, text: str) -> bool:
        """Whether `text`, which must have this length, fits."""
        start = 0
        for piece in self.pieces:
            if text[start : start + piece.length] not in piece.texts:
                return False
            start += piece.length
        return True


class PlateFormats:
    """The formats of one or more countries, indexed by shape."""

    def __init__(self, countries: Sequence[str], strength: float = STRENGTH) -> None:
        """Load the formats of `countries`; raises SettingsError for an unknown country."""
        self._strength = strength
        # Formats of a shape and their gains; equal formats of several countries are one.
        self._by_shape: dict[str, dict[Format, float]] = {}
        for country in countries:
            formats = formats_of(country)
            share = (1 - IRREGULAR) / len(countries) / len(formats)
            for found in formats:
                # Likelihood of a text of this format, relative to a random text of its length.
                gain = share * len(ALPHABET) ** found.length / found.texts
                for shape in found.shapes:
                    gains = self._by_shape.setdefault(shape, {})
                    gains[found] = gains.get(found, 0.0) + gain

    def log_odds(self, text: str) -> float:
        """Evidence that `text` is a plate of these countries, in log-odds; may be negative."""
        formats = self._by_shape.get(shape_of(text), {})
        gain = sum([gain for found, gain in formats.items() if found.fits(text)])
        return self._strength * min(MOST_LOG_ODDS, math.log(IRREGULAR + gain))

    def fits(self, text: str) -> bool:
        """Whether the text fits at least one format."""
        return any(found.fits(text) for found in self._by_shape.get(shape_of(text), ()))


def shape_of(text: str) -> str:
    """`text` with every letter replaced by A and every digit by 9."""
    return text.translate(_SHAPE)


@cache
def known_countries() -> tuple[str, ...]:
    """The ISO codes, in lower case, of all countries that have a file."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


def check_countries(codes: Sequence[str], key: str) -> None:
    """Raise SettingsError, naming the setting `key`, for a code that has no country file."""
    for code in codes:
        if code.lower() not in known_countries():
            known = ", ".join(known_countries())
            raise SettingsError(f"{key}: {code!r}: no such country; known are {known}")


@cache
def country_table(country: str) -> Mapping[str, Any]:
    """The parsed file of a country; raises SettingsError where it is unknown or damaged."""
    check_countries([country], "plates.countries")
    path = FOLDER / f"{country.lower()}.toml"
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path}: damaged country file: {error}") from error


@cache
def formats_of(country: str) -> tuple[Format, ...]:
    """All formats of one country; raises SettingsError where it is unknown or damaged."""
    table = country_table(country)
    try:
        forms = [str(pattern["form"]) for pattern in table["pattern"]]
        lists = {name: tuple(texts) for name, texts in table.get("lists", {}).items()}
        letters = str(table["letters"])
        return tuple(f for form in forms for f in _parse_form(form, letters, lists))
    except (KeyError, TypeError, ValueError) as error:
        raise SettingsError(f"{country.lower()}.toml: damaged country file: {error}") from error


@cache
def all_formats() -> PlateFormats:
    """The formats of all countries."""
    return PlateFormats(known_countries())


def format_evidence(countries: Sequence[str]) -> Callable[[str], float]:
    """The log-odds function for these countries; for all countries where none are named."""
    if not countries:
        return all_formats().log_odds
    return PlateFormats(tuple(dict.fromkeys(code.lower() for code in countries))).log_odds


def looks_like_plate(reading: PlateReading) -> bool:
    """Whether a reading can be a number plate, and not a badge, a sign or a web address.

    Nearly all registrations contain a digit. A text without one is accepted only where it is short
    and read with high confidence, since personalised plates may be words. The shortest plates have
    one letter and one digit; noise reads like that too, so these need higher confidence.
    """
    text = reading.text
    if len(text) == SHORTEST:
        kinds = {char in DIGITS for char in text}
        return len(kinds) == SHORTEST and reading.confidence > LEAST_IF_SHORT
    if not SHORTEST_WITH_ONE_KIND <= len(text) <= LONGEST:
        return False
    if reading.confidence < LEAST_CONFIDENCE:
        return False
    if len(set(text)) == 1 and len(text) > SHORTEST_WITH_ONE_KIND:
        return text[0] in DIGITS and reading.confidence > LEAST_WITHOUT_DIGIT
    if not any(char in DIGITS for char in text):
        return len(text) <= LONGEST_WITHOUT_DIGIT and reading.confidence > LEAST_WITHOUT_DIGIT
    return True


def _parse_form(form: str, letters: str, lists: Mapping[str, Sequence[str]]) -> Iterator[Format]:
    """Every fixed-length format that a form describes."""
    if _TOKEN.sub("", form):
        raise ValueError(f"form {form!r}: not a sequence of A, 9, [ABC] and {{name}}")
    choices = [_choices(token, letters, lists) for token in _TOKEN.finditer(form)]
    for picked in itertools.product(*choices):
        found = Format(tuple(itertools.chain.from_iterable(picked)))
        if found.length <= LONGEST:
            yield found


def _choices(
    token: re.Match[str], letters: str, lists: Mapping[str, Sequence[str]]
) -> list[tuple[Piece, ...]]:
    kind, least, most = token.groups()
    times = range(int(least or 1), int(most or 1) + 1)
    if kind.startswith("{"):
        texts = lists[kind[1:-1]]
        lengths = sorted({len(text) for text in texts})
        runs = [_piece(n, frozenset(t for t in texts if len(t) == n)) for n in lengths]
    elif kind.startswith("["):
        runs = [_piece(1, frozenset(_expanded(kind[1:-1])))]
    else:
        runs = [_piece(1, frozenset(letters if kind == "A" else DIGITS))]
    return [(run,) * count for run in runs for count in times]


@cache
def _piece(length: int, texts: frozenset[str]) -> Piece:
    """One object for equal pieces: 104 differ of the 2,026 in all countries."""
    return Piece(length, texts)


def _expanded(chars: str) -> str:
    """`chars` with ranges such as `A-Z` and `0-9` written out."""
    every = LETTERS + DIGITS
    return re.sub(r"(\w)-(\w)", lambda m: every[every.index(m[1]) : every.index(m[2]) + 1], chars)
