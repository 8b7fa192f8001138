# SPDX-License-Identifier: Apache-2.0
"""Canonical form of plate texts, and look-alike characters; pure functions on strings."""

import unicodedata

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS = "0123456789"
ALPHABET = LETTERS + DIGITS

# Capitals that are drawn like a Latin letter on plates; NFKC leaves them alone.
_CYRILLIC = dict(zip("АВЕКМНОРСТУХІЅЈ", "ABEKMHOPCTYXISJ", strict=True))  # noqa: RUF001
_GREEK = dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX", strict=True))  # noqa: RUF001
# Latin capitals with a stroke, ligatures and the capital sharp s have no decomposition either.
_LATIN = dict(Ø="O", Đ="D", Ð="D", Ł="L", Ħ="H", Ŧ="T", Æ="AE", Œ="OE", ẞ="SS")
_FOLDED = _CYRILLIC | _GREEK | _LATIN

LOOKALIKE_CLASSES = ("0OQD", "1IL", "2Z", "5S", "8B", "6G")
_LOOKALIKE_KEY = str.maketrans({char: chars[0] for chars in LOOKALIKE_CLASSES for char in chars})
# Pairs that many countries draw alike; readers are trained and scored with each pair merged.
TWINS = {"0": "O", "O": "0", "1": "I", "I": "1"}
_SCORING_FOLD = str.maketrans("OI", "01")


def canonical(text: str) -> str:
    """The canonical form of a plate, by which lists and readings are compared: only A-Z and 0-9.

    Cyrillic and Greek look-alikes become Latin, accents are removed, decimal digits become ASCII.
    Characters that do not fold are dropped; for text that a person wrote use `written.parse_plate`,
    which refuses them.
    """
    return "".join(fold_char(char) or "" for char in decomposed(text))


def decomposed(text: str) -> str:
    """`text` in capitals, in compatibility form, with accents as separate characters."""
    capitals = unicodedata.normalize("NFKC", text).upper()
    # Decomposed last, so that an accent does not hide a look-alike (Greek "Ά").
    return unicodedata.normalize("NFKD", capitals)


def fold_char(char: str) -> str | None:
    """The letters or the digit that a character of `decomposed` text stands for; else None."""
    if char in ALPHABET:
        return char
    if char in _FOLDED:
        return _FOLDED[char]
    digit = unicodedata.decimal(char, None)
    return None if digit is None else str(digit)


def fold(text: str) -> str:
    """The form for scoring readings: O equals 0 and I equals 1, as many countries draw them."""
    return text.translate(_SCORING_FOLD)


def lookalike_key(text: str) -> str:
    """A key that is equal for canonical texts that differ only in look-alikes (0OQD, 1IL, 2Z)."""
    return text.translate(_LOOKALIKE_KEY)
