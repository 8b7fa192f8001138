# SPDX-License-Identifier: Apache-2.0
"""Load country packs: which characters may stand where on a country's plates.

A pack is a file of plategate/countries; its forms are written with `A` (a letter of the pack),
`9` (a digit), `[ABC]` (one of these), `{name}` (one of a list) and `(m-n)` behind any of them
(m to n times; 0 is allowed). The place of registration behind a prefix is others' business.
"""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import prod
from pathlib import Path

from plategate.errors import SettingsError
from plategate.plates.text import DIGITS, LETTERS

FOLDER = Path(__file__).parent / "countries"
LONGEST = 11
_SHAPE = str.maketrans(LETTERS + DIGITS, "A" * len(LETTERS) + "9" * len(DIGITS))
TOKEN = re.compile(r"(A|9|\[[^\]]+\]|\{\w+\})(?:\((\d+)-(\d+)\))?")


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of characters of one length, and every text that it may be."""

    length: int
    texts: frozenset[str]


@dataclass(frozen=True, slots=True)
class Format:
    """One way to fill a plate of one length."""

    pieces: tuple[Piece, ...]

    @property
    def length(self) -> int:
        return sum(piece.length for piece in self.pieces)

    @property
    def texts(self) -> int:
        """How many texts have this format."""
        return prod(len(piece.texts) for piece in self.pieces)

    @property
    def shapes(self) -> set[str]:
        """Where letters and digits stand in the texts of this format."""
        runs = [{shape_of(text) for text in piece.texts} for piece in self.pieces]
        return {"".join(picked) for picked in itertools.product(*runs)}

    def fits(self, text: str) -> bool:
        """Whether `text`, of this length, has this format."""
        start = 0
        for piece in self.pieces:
            if text[start : start + piece.length] not in piece.texts:
                return False
            start += piece.length
        return True


@dataclass(frozen=True, slots=True)
class Pack:
    """The formats of one country."""

    country: str
    name: str
    formats: tuple[Format, ...]


def shape_of(text: str) -> str:
    """`text` with A for every letter and 9 for every digit."""
    return text.translate(_SHAPE)


def known_countries() -> tuple[str, ...]:
    """The countries that there are packs for, as two letters."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml")))


@cache
def load_pack(country: str) -> Pack:
    """The pack of one country."""
    known = known_countries()
    if country.lower() not in known:
        raise SettingsError(f"vision.countries: no pack {country!r}; there are {', '.join(known)}")
    path = FOLDER / f"{country.lower()}.toml"
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        forms = [str(pattern["form"]) for pattern in table["pattern"]]
        lists = {name: tuple(texts) for name, texts in table.get("lists", {}).items()}
        formats = [f for form in forms for f in _formats(form, str(table["letters"]), lists)]
        return Pack(country.lower(), str(table["name"]), tuple(formats))
    except (KeyError, TypeError, ValueError) as error:
        raise SettingsError(f"country pack {path.name} is damaged: {error}") from error


def _formats(form: str, letters: str, lists: Mapping[str, Sequence[str]]) -> Iterator[Format]:
    """Every fixed-length format that a form stands for."""
    if TOKEN.sub("", form):
        raise ValueError(f"form {form!r} has something that is no token")
    choices = [_choices(token, letters, lists) for token in TOKEN.finditer(form)]
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
        runs = [Piece(n, frozenset(t for t in texts if len(t) == n)) for n in lengths]
    elif kind.startswith("["):
        runs = [Piece(1, frozenset(_expanded(kind[1:-1])))]
    else:
        runs = [Piece(1, frozenset(letters if kind == "A" else DIGITS))]
    return [(run,) * count for run in runs for count in times]


def _expanded(chars: str) -> str:
    """`A-Z` and `0-9` style ranges written out."""
    every = LETTERS + DIGITS
    return re.sub(r"(\w)-(\w)", lambda m: every[every.index(m[1]) : every.index(m[2]) + 1], chars)
