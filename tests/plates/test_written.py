# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: RUF001
"""Guards written plates: no character is dropped, what is not a plate is refused with advice."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plategate.plates.text import ALPHABET, canonical
from plategate.plates.written import PlateTextError, parse_plate

quick = settings(max_examples=300, deadline=None)


@pytest.mark.parametrize(
    ("text", "plate"),
    [
        ("B-AB 123", "BAB123"),
        ("  ab 12-cde ", "AB12CDE"),
        ("b\u00a0ab\u2009123", "BAB123"),
        ("b·ab•123", "BAB123"),
        ("12.34.AB", "1234AB"),
        ("AB – 12", "AB12"),
        ("TÖL AB 1", "TOLAB1"),
        ("O\u0308 12", "O12"),
        ("Å1ø2", "A1O2"),
        ("ß12", "SS12"),
        ("ẞ12", "SS12"),
        ("Æ 12", "AE12"),
        ("а123вс 77", "A123BC77"),
        ("ΙΖΗ-1234", "IZH1234"),
        ("ＡＢ１２", "AB12"),
        ("٣٤ A", "34A"),
        ("1E05", "1E05"),
        ("12-345-67", "1234567"),
        ("X UND 1", "XUND1"),
        ("AND 12", "AND12"),
        ("AB12 CD34", "AB12CD34"),
    ],
)
def test_ok__plates_as_people_write_them(text: str, plate: str) -> None:
    assert parse_plate(text) == plate


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("B839HAЖR", "character 7 is 'Ж' (U+0416 CYRILLIC CAPITAL LETTER ZHE): not a letter A-Z"),
        ("Й123", "character 1 is 'Й' (U+0419"),
        ("ΔΣ-1234", "character 1 is 'Δ' (U+0394 GREEK CAPITAL LETTER DELTA)"),
        ("AB1Σ", "character 4 is 'Σ'"),
        ("B839HAÞR", "U+00DE LATIN CAPITAL LETTER THORN"),
        ("ŋ123", "U+014B"),
        ("京A12345", "character 1 is '京'"),
        ("AB한12", "HANGUL"),
        ("AB12א", "character 5 is 'א' (U+05D0 HEBREW LETTER ALEF)"),
        ("أب 123", "ARABIC"),
        ("กข 123", "THAI"),
        ("AB12😀", "U+1F600"),
        ("1️⃣23", "VARIATION SELECTOR-16): an invisible character"),
        ("K\u033812", "U+0338 COMBINING LONG SOLIDUS OVERLAY"),
        ("AB1C\u0345", "U+0345 COMBINING GREEK YPOGEGRAMMENI"),
        ("B\u200bAB12", "U+200B ZERO WIDTH SPACE): an invisible character"),
        ("B\u200fAB12", "U+200F RIGHT-TO-LEFT MARK"),
        ("B\u202eAB12", "U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("\ufeffAB12", "U+FEFF"),
        ("AB12\x00", "U+0000 control character"),
        ("№5", "U+2116 NUMERO SIGN"),
        ("½AB", "U+00BD VULGAR FRACTION ONE HALF"),
        ("Ⅳ 12", "U+2163 ROMAN NUMERAL FOUR"),
        ("#B 839 HAR", "character 1 is '#' (U+0023 NUMBER SIGN): a row cannot be commented out"),
        (" // B 839 HAR", "character 2 is '/' (U+002F SOLIDUS): a row cannot be commented out"),
        ("; B 839 HAR", "commented out"),
        ("--B 839 HAR", "starts with '-' (U+002D HYPHEN-MINUS): a row cannot be commented out"),
        ("B-AB ?23", "character 6 is '?' (U+003F QUESTION MARK): wildcards are not supported"),
        ("HH-X*", "wildcards are not supported; list every plate"),
        ("HH-X%", "wildcards are not supported"),
        ("HH_X1", "wildcards are not supported"),
        ("HH-X[1-9]", "wildcards are not supported"),
        ("HH-X...", "ends with '.' (U+002E FULL STOP): wildcards are not supported"),
        ("HH-X…", "wildcards are not supported"),
        ("HH-X-", "ends with '-'"),
        ("HH..9", "two separators in a row"),
        ("1.20E+06", "looks like a number made by a spreadsheet; format the column as text"),
        ("1,20e+06", "looks like a number made by a spreadsheet"),
        ("1E+06", "looks like a number made by a spreadsheet"),
        ("1.2E06", "looks like a number made by a spreadsheet"),
        ("1E-05", "looks like a number made by a spreadsheet"),
        ("123456.0", "looks like a number made by a spreadsheet"),
        ("123456,00", "looks like a number made by a spreadsheet"),
        ("1.234.567", "looks like a number made by a spreadsheet"),
        ("2012-03-01", "looks like a date made by a spreadsheet"),
        ("01.03.2012", "looks like a date made by a spreadsheet"),
        ("3/14/2012", "looks like a date made by a spreadsheet"),
        ("31-12-2026", "looks like a date made by a spreadsheet"),
        ("31.12.26", "looks like a date made by a spreadsheet"),
        ("01-Mar", "looks like a date made by a spreadsheet"),
        ("1. Mrz", "looks like a date made by a spreadsheet"),
        ("05. Mai", "looks like a date made by a spreadsheet"),
        ("1-Mar-2026", "looks like a date made by a spreadsheet"),
        ("12345.67", "looks like a number made by a spreadsheet"),
        ("46387.5", "looks like a number made by a spreadsheet"),
        ("B-AB 1²", "character 7 is '²' (U+00B2 SUPERSCRIPT TWO): write it as an ordinary"),
        ("Nº 123", "write it as an ordinary letter or digit"),
        ("①-AB 12", "write it as an ordinary letter or digit"),
        ("#NAME?", "character 1 is '#'"),
        ("'123456", "commented out"),
        ('="B-AB 1"', "remove the quotes or the formula"),
        ("B-AB 1/B-AB 2", "character 7 is '/' (U+002F SOLIDUS): write one plate per row"),
        ("B-AB 1 & B-AB 2", "write one plate per row"),
        ("B-AB 1+B-AB 2", "write one plate per row"),
        ("B-AB 1, B-AB 2", "write one plate per row"),
        ("B-AB 1\nB-AB 2", "write one plate per row"),
        ("B-AB 1\tB-AB 2", "write one plate per row"),
        ("B-AB 1 und B-AB 2", "looks like two plates; write one plate per row"),
        ("AB12 or CD34", "looks like two plates"),
        ("AB12\u00a0UND\u00a0CD34", "looks like two plates"),
        ("AB12-and-CD34", "looks like two plates"),
        ("B A 1 y B A 2", "looks like two plates"),
        ("B A 1 bzw. B A 2", "looks like two plates"),
        ("B-A 1  M-B 2", "looks like two plates"),
        ("B  A 1  M  B 2", "looks like two plates"),
        ("B-A 1 - M-B 2", "looks like two plates"),
        ("B-A 1\N{FULLWIDTH SOLIDUS}M-B 2", "write one plate per row"),
        ("B-A 1\N{FULLWIDTH SEMICOLON}M-B 2", "write one plate per row"),
        ("", "must have 2 to 12 letters and digits, has 0"),
        ("---", "must have 2 to 12 letters and digits, has 0"),
        ("A", "must have 2 to 12 letters and digits, has 1"),
        ("ABCDEFGHIJKLM", "must have 2 to 12 letters and digits, has 13"),
        ("A1 " * 40, "longer than 60 characters"),
    ],
)  # fmt: skip
def test_fail__what_is_not_one_plate_is_refused_with_advice(text: str, says: str) -> None:
    with pytest.raises(PlateTextError) as error:
        parse_plate(text)
    assert says in str(error.value)


@quick
@given(st.text(max_size=14) | st.text("AB12-. ЖÖöß/#é́", max_size=14))
def test_ok__an_accepted_plate_keeps_every_letter_and_digit(text: str) -> None:
    try:
        plate = parse_plate(text)
    except PlateTextError:
        return
    assert plate == canonical(text)
    assert set(plate) <= set(ALPHABET)
    written = [c for c in unicodedata.normalize("NFC", text) if unicodedata.category(c)[0] in "LN"]
    assert len(plate) >= len(written)
    assert parse_plate(plate) == plate


@quick
@given(st.text(ALPHABET, min_size=2, max_size=12))
def test_ok__letters_and_digits_alone_are_always_a_plate(text: str) -> None:
    assert parse_plate(text) == parse_plate(text.lower()) == text
