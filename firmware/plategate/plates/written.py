# SPDX-License-Identifier: Apache-2.0
"""Parse a plate that a person or a spreadsheet wrote; anything doubtful is refused with advice.

A plate is letters that fold to A-Z, decimal digits, and single separators between them. No other
character is ever dropped, since the rest could be the plate of somebody else.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from itertools import pairwise

from plategate.plates.text import decomposed, fold_char

SHORTEST_PLATE = 2
LONGEST_PLATE = 12
LONGEST_TEXT = 60  # characters, separators included

SEPARATORS = "-\u2010\u2011\u2012\u2013\u2014\u2015\u2212.\u00b7\u2022\u2027\u30fb"
# Combining classes of accents. Strokes through a letter (1) and the iota subscript (240) are not.
_ACCENTS = range(202, 235)

_NOTE = "a row cannot be commented out; delete it"
_COMMENT_SIGNS = "#;!/%'*"
_SEVERAL = "write one plate per row"
_TWO = f"looks like two plates; {_SEVERAL}, its parts one space or hyphen apart"
_WILDCARD = "wildcards are not supported; list every plate"
_INVISIBLE = "an invisible character; delete the cell and type the plate again"
_LETTER = "not a letter A-Z; write the plate as the camera reads it"
_ORDINARY = "write it as an ordinary letter or digit; delete it if it is a footnote"
_OTHER = "a plate has only letters, digits, spaces, hyphens and dots"
_ADVICE = (
    dict.fromkeys("#", _NOTE)
    | dict.fromkeys(
        "/\\&+,;|\n\r\t\v\f\x85\u2028\u2029\u2044\u2215\u3001\u2571\u2572\u29f8", _SEVERAL
    )
    | dict.fromkeys("?*%_[]{}()^$~<>\u2026", _WILDCARD)
    | dict.fromkeys("=\"'\u2018\u2019`\u00b4", "remove the quotes or the formula")
)

# What most lists hold: ASCII letters and digits with spaces, hyphens and dots between them.
_PLAIN = re.compile(r" *[A-Z0-9]+(?:(?: *[-.] *| +)[A-Z0-9]+)* *", re.I | re.A)
_BETWEEN = re.compile(r"[ .-]+")
_SCIENTIFIC = re.compile(r"\d+(?:[.,]\d+)?E\+\d+|\d+[.,]\d+E-?\d+|\d(?:[.,]\d+)?E-\d{2,3}", re.I)
_DECIMAL = re.compile(r"\d+[.,](?:0+|\d{1,2}|\d{4,})")
_THOUSANDS = re.compile(r"\d{1,3}(?:[.,]\d{3}){2,}")
_ISO_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)")
_LOCAL_DATE = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d\d)")
# "MAR 1" becomes 01-Mar or 01. Mrz. A Belgian plate such as 1-MAR-234 has three digits at the end.
_MONTHS = (
    "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|jän|mär|mrz|mai|okt|dez|janv|févr|mars|avr"
    "|juin|juil|août|sept|déc|ene|abr|ago|dic|gen|mag|giu|lug|set|ott|mrt|mei|maj"
)
_DAY_AND_MONTH = re.compile(rf"\d{{1,2}}(?:-|\. ?)(?:{_MONTHS})\.?(?:[-. ](?:\d\d|\d{{4}}))?", re.I)
# Between two plates: a word, a wide gap, or a dash with spaces around it.
_WORDS = (
    "und|u|and|oder|or|bzw|resp|et|ou|och|eller|og|en|of|lub|oraz|nebo|ve|sau|si|plus|y|e|oppure"
)
_AND = re.compile(rf"[\s.-](?:{_WORDS})[\s.-]|\s{{2,}}|\s[{SEPARATORS}]\s", re.I)
_COMPATIBILITY = ("<super>", "<sub>", "<circle>")  # forms that often mark a footnote
_SPREADSHEET = "looks like a {kind} made by a spreadsheet; format the column as text and type it in"


class PlateTextError(ValueError):
    """A text is not a plate; the message names the character and says what to do."""


def parse_plate(text: str) -> str:
    """The canonical form of a plate; raises PlateTextError for anything that is not a plate."""
    stripped = text.strip(" \u00a0")
    if len(stripped) > LONGEST_TEXT:
        raise PlateTextError(f"longer than {LONGEST_TEXT} characters; {_SEVERAL}")
    if stripped[:1].isdigit() and (kind := _made_by_spreadsheet(stripped)):
        raise PlateTextError(_SPREADSHEET.format(kind=kind))
    for between in _AND.finditer(stripped):
        halves = stripped[: between.start()], stripped[between.end() :]
        if all(_has_letter_and_digit(half) for half in halves):
            raise PlateTextError(_TWO)
    plain = _PLAIN.fullmatch(text) is not None
    plate = _BETWEEN.sub("", text).upper() if plain else "".join(_fold_all(text))
    if not SHORTEST_PLATE <= len(plate) <= LONGEST_PLATE:
        limits = f"{SHORTEST_PLATE} to {LONGEST_PLATE}"
        raise PlateTextError(f"must have {limits} letters and digits, has {len(plate)}")
    if not plain:
        _check_separators(stripped)
    return plate


def _fold_all(text: str) -> list[str]:
    """The folded characters; separators and accents are left out, any other raises."""
    found: list[str] = []
    for number, char in enumerate(text, start=1):
        if char in SEPARATORS or unicodedata.category(char) == "Zs":
            continue
        if unicodedata.decomposition(char).startswith(_COMPATIBILITY):
            raise PlateTextError(f"character {number} is {_named(char)}: {_ORDINARY}")
        if unicodedata.combining(char) in _ACCENTS and found and found[-1].isalpha():
            continue
        parts = [part for part in decomposed(char) if unicodedata.combining(part) not in _ACCENTS]
        folded = [fold_char(part) for part in parts if part not in SEPARATORS]
        # A compatibility character that stands for several, such as a fraction, is not one letter.
        several = len(folded) > 1 and char.upper() not in ("SS", "\u1e9e")
        mark = unicodedata.category(char).startswith("M")
        if mark or several or not folded or None in folded:
            first = not text[: number - 1].strip()
            advice = _NOTE if first and char in _COMMENT_SIGNS else _advice(char)
            raise PlateTextError(f"character {number} is {_named(char)}: {advice}")
        found += [part for part in folded if part]
    return found


def _check_separators(text: str) -> None:
    """Refuse separators that mark a comment or a wildcard: `--A1`, `HH-X...`, `HH..9`."""
    marks = [char in SEPARATORS for char in text if not char.isspace()]
    if marks[0]:
        raise PlateTextError(f"starts with {_named(text[0])}: {_NOTE}")
    if marks[-1]:
        raise PlateTextError(f"ends with {_named(text[-1])}: {_WILDCARD}")
    if any(first and second for first, second in pairwise(marks)):
        raise PlateTextError(f"has two separators in a row: {_WILDCARD}")


def _made_by_spreadsheet(text: str) -> str | None:
    """What a spreadsheet turned the plate into, if it did."""
    if _SCIENTIFIC.fullmatch(text) or _DECIMAL.fullmatch(text) or _THOUSANDS.fullmatch(text):
        return "number"
    if _DAY_AND_MONTH.fullmatch(text):
        return "date"
    if found := _ISO_DATE.fullmatch(text):
        return _date(found[1], found[2], found[3])
    if found := _LOCAL_DATE.fullmatch(text):
        year = found[4].zfill(4).replace("00", "20", 1)
        return _date(year, found[3], found[1]) or _date(year, found[1], found[3])
    return None


def _date(year: str, month: str, day: str) -> str | None:
    try:
        date(int(year), int(month), int(day))
    except ValueError:
        return None
    return "date"


def _has_letter_and_digit(text: str) -> bool:
    return any(c.isalpha() for c in text) and any(c.isdigit() for c in text)


def _named(char: str) -> str:
    """A character as shown, with its code point and Unicode name."""
    name = unicodedata.name(char, "control character")
    shown = f"{char!r} " if char.isprintable() else ""
    return f"{shown}(U+{ord(char):04X} {name})"


def _advice(char: str) -> str:
    # A full-width sign has the advice of the ordinary one.
    for form in (char, unicodedata.normalize("NFKC", char)):
        if form in _ADVICE:
            return _ADVICE[form]
    category = unicodedata.category(char)
    if category in ("Cf", "Cc", "Mn", "Me"):
        return _INVISIBLE
    return _LETTER if category.startswith("L") else _OTHER
