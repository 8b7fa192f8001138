# SPDX-License-Identifier: Apache-2.0
"""Guards the country files, and that formats are evidence that never overrules a sure reading."""

import math
import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plategate.errors import SettingsError
from plategate.plates.formats import (
    FOLDER,
    PlateFormats,
    all_formats,
    check_countries,
    format_evidence,
    formats_of,
    known_countries,
    looks_like_plate,
)
from plategate.plates.registration import registration_codes
from plategate.plates.text import ALPHABET, canonical
from plategate.values import CharacterReading, PlateReading
from plategate.vision.consensus.calibrate import UNCALIBRATED
from plategate.vision.consensus.merge import agree_readings

quick = settings(max_examples=60, deadline=None)

PLATES = {
    "ae": ["A12345", "1612345"], "ar": ["AB123CD", "ABC123"],
    "at": ["W12345A", "GU123AB", "GUMAX7"],
    "be": ["1ABC234"], "bg": ["CA1234KH", "E1234MM"], "br": ["ABC1D23", "ABC1234"],
    "ch": ["ZH123456", "AG1"], "cz": ["1AB2345", "5B75557"], "de": ["MXC5104", "BAB123E"],
    "dk": ["AB12345"], "es": ["1234BCD", "M1234BC"], "fi": ["ABC123"],
    "fr": ["AB123CD", "1234AB2A", "12A75", "123ABC974"],
    "gb": ["AB12CDE", "A123BCD", "Q682RCA", "ABC1", "BIL1234", "AUI99", "IB7"], "gr": ["IZH1234"],
    "hr": ["ZG1234AB"],
    "hu": ["ABC123"], "id": ["B1234ABC", "AD5A"],
    "ie": ["02TN1565", "161D12345"], "il": ["1234567"],
    "in": ["MH12DE1433", "DL3CAB1234"], "it": ["AB123CD"], "lt": ["ABC123"], "my": ["WXY1234"],
    "nl": ["12GHJ3", "GH123J"], "no": ["AB12345"], "pk": ["LEA1234", "AB123"],
    "pl": ["WA12345", "WE1234A", "KRA12AC"], "pt": ["AB12CD", "12AB34"],
    "ro": ["B152FTO", "CJ12ABC"], "ru": ["A123BC77", "K756AT197"], "se": ["ABC12D"],
    "sg": ["SBA1234A"], "si": ["LJ12ABC"], "sk": ["BA123AB"], "tr": ["34ABC12"],
    "ua": ["AA1234BB"], "us": ["7ABC123", "ABC1234", "A1B2C3D", "ABCD12", "7A123", "ABC123"],
    "za": ["CA12345", "BC12DFGP"],
    "ad": ["L1234"], "al": ["AA123BB"], "am": ["35AM111"], "ao": ["LD1234AB"], "az": ["90AA123"],
    "by": ["1234AB7"], "ca": ["ABCD123", "A12BCD", "AB123C"], "cd": ["1234AB01"], "cl": ["BCDF12"],
    "cm": ["LT123AB"], "cn": ["A12345", "AD12345", "B1K2J3"], "co": ["ABC123", "ABC12D"],
    "cy": ["ABC123"], "do": ["A123456"], "dz": ["0012311916", "1234511916"], "ec": ["PBA1234"],
    "fo": ["AB123"], "ge": ["AA123BB"], "gh": ["GR123420"], "gi": ["G1234A"], "gt": ["P123BCD"],
    "hk": ["AB1234"], "im": ["MN123A", "AMN12B"], "is": ["ABX12"], "je": ["J12345"],
    "jp": ["3001234", "30A1234"], "kg": ["01KG123ABC"], "kr": ["123456", "1234567"],
    "kz": ["123ABC02"], "lb": ["B123456"], "lk": ["CAB1234", "WPCAB1234"], "ma": ["123456"],
    "md": ["ABC123"], "me": ["PGAB123"], "mg": ["1234TAB"], "mk": ["SK1234AB"], "mn": ["1234YHA"],
    "mo": ["MA1234"], "mt": ["ABC123"], "mu": ["1234JN21"], "mz": ["ABC123MC"], "na": ["N12345W"],
    "ng": ["ABC123DE"], "om": ["12345AB"], "pa": ["AB1234"], "pe": ["ABC123", "A1B234", "1234AB"],
    "ph": ["ABC1234", "AB12345"], "py": ["ABCD123"], "rw": ["RAB123C"], "sm": ["A1234"],
    "th": ["1234"], "tj": ["1234AB01"], "tm": ["AB1234AG"], "tn": ["1231234"], "tt": ["PAB1234"],
    "tw": ["ABC1234"], "tz": ["T123ABC"], "ug": ["UAX123B"], "uy": ["ABC1234"],
    "uz": ["01A123BC", "01123ABC"], "ve": ["AB123CD"], "vn": ["30A12345", "59AB12345", "29B112345"],
    "xk": ["01123AB"], "zm": ["ABC1234"], "zw": ["ABC1234"],
}  # fmt: skip


def reading(text: str, confidence: float = 0.95) -> PlateReading:
    return PlateReading(tuple(CharacterReading(c, confidence) for c in text), "tflite")


def test_ok__many_countries_have_a_file() -> None:
    assert len(known_countries()) >= 140
    assert set(PLATES) <= set(known_countries())


STATES = (
    "Alabama Alaska Arizona Arkansas California Colorado Connecticut Delaware District_of_Columbia"
    " Florida Georgia Hawaii Idaho Illinois Indiana Iowa Kansas Kentucky Louisiana Maine Maryland"
    " Massachusetts Michigan Minnesota Mississippi Missouri Montana Nebraska Nevada New_Hampshire"
    " New_Jersey New_Mexico New_York North_Carolina North_Dakota Ohio Oklahoma Oregon Pennsylvania"
    " Rhode_Island South_Carolina South_Dakota Tennessee Texas Utah Vermont Virginia Washington"
    " West_Virginia Wisconsin Wyoming"
)
PROVINCES = (
    "Alberta British_Columbia Manitoba New_Brunswick Newfoundland_and_Labrador Nova_Scotia Nunavut"
    " Northwest_Territories Ontario Prince_Edward_Island Quebec Saskatchewan Yukon"
)


@pytest.mark.parametrize(("country", "parts"), [("us", STATES), ("ca", PROVINCES)])
def test_ok__every_state_and_province_has_a_format(country: str, parts: str) -> None:
    table = tomllib.loads((FOLDER / f"{country}.toml").read_text(encoding="utf-8"))
    notes = " ".join(pattern["note"] for pattern in table["pattern"])
    assert [part for part in parts.split() if part.replace("_", " ") not in notes] == []


@pytest.mark.parametrize("country", known_countries())
def test_ok__every_country_file_names_its_source_and_loads(country: str) -> None:
    table = tomllib.loads((FOLDER / f"{country}.toml").read_text(encoding="utf-8"))
    assert len(table["source"]) > 10
    assert canonical(table["sign"]) == table["sign"]
    assert formats_of(country)
    assert all(2 <= found.length <= 11 for found in formats_of(country))


@pytest.mark.parametrize("country", sorted(PLATES))
def test_ok__plates_of_a_country_fit_its_formats(country: str) -> None:
    formats = PlateFormats([country])
    for text in PLATES[country]:
        assert formats.fits(text), text
        assert formats.log_odds(text) > formats.log_odds("QQQQQQQQQQ")


@pytest.mark.parametrize(
    ("country", "text"),
    [("es", "1234ABC"), ("fr", "AI123CD"), ("ru", "D123BC77"), ("ro", "XX12ABC"),
     ("in", "ZZ12DE1433"), ("gr", "QWD1234"), ("tr", "94ABC12"), ("gb", "AB12CQE"),
     ("at", "NI12CYA"), ("id", "NI2CYA")],
)  # fmt: skip
def test_fail__letters_that_a_country_does_not_issue(country: str, text: str) -> None:
    assert not PlateFormats([country]).fits(text)


@pytest.mark.parametrize(
    ("country", "text"),
    [("at", "W0345A"), ("ch", "ZH012"), ("de", "MXCA012"), ("fi", "ABC023"), ("gb", "E055RXG"),
     ("id", "B0123ABC"), ("li", "FL012"), ("lv", "AB012"), ("my", "WXY0234"), ("sg", "SBA0234A")],
)  # fmt: skip
def test_fail__a_serial_number_does_not_start_with_zero(country: str, text: str) -> None:
    formats = PlateFormats([country])
    assert not formats.fits(text)
    assert formats.fits(text.replace("0", "5", 1))


def test_ok__the_austrian_formats_include_every_district_with_a_name() -> None:
    formats = PlateFormats(["at"])
    places = next(codes.places for codes in registration_codes() if codes.country == "at")
    assert [code for code in places if not formats.fits(f"{code}123AB")] == []


def test_ok__the_format_decides_between_look_alikes() -> None:
    unsure = CharacterReading("O", 0.55, (("0", 0.44),))
    plate = PlateReading((*reading("ABC").characters, unsure, *reading("23").characters), "tflite")
    assert agree_readings([plate], None, UNCALIBRATED).text == "ABCO23"  # type: ignore[union-attr]
    joined = agree_readings([plate], format_evidence(["hu"]), UNCALIBRATED)
    assert joined is not None
    assert joined.text == "ABC023"


@quick
@given(st.text(ALPHABET, min_size=1, max_size=9), st.sampled_from([[], ["de", "ro"]]))
def test_ok__no_format_overrules_a_reading_that_is_sure(text: str, countries: list[str]) -> None:
    sure = tuple(CharacterReading(c, 0.985, (("0", 0.015),)) for c in text)
    plate = PlateReading(sure, "tflite")
    joined = agree_readings([plate], format_evidence(countries), UNCALIBRATED)
    assert joined is not None
    assert joined.text == text


def test_ok__countries_share_the_objects_of_equal_pieces() -> None:
    formats = [found for country in known_countries() for found in formats_of(country)]
    pieces = [piece for found in formats for piece in found.pieces]
    assert len({id(piece) for piece in pieces}) == len(set(pieces))


def test_ok__without_countries_the_formats_of_all_count() -> None:
    evidence = format_evidence([])
    assert evidence("TR95XMI") == all_formats().log_odds("TR95XMI")
    assert evidence("TR95XMI") > evidence("IR95XMI")  # no Romanian county


def test_ok__the_formats_of_all_countries_decide_between_look_alikes() -> None:
    unsure = CharacterReading("I", 0.55, (("T", 0.44),))
    plate = PlateReading((unsure, *reading("R95XMI").characters), "tflite")
    joined = agree_readings([plate], format_evidence([]), UNCALIBRATED)
    assert joined is not None
    assert joined.text == "TR95XMI"


def test_ok__alternatives_keep_what_the_readers_gave_them() -> None:
    """Matching with lists weighs formats itself; weighed twice, an owner's plate is shut out."""
    unsure = CharacterReading("O", 0.8, (("0", 0.19),))
    plate = PlateReading((*reading("ABC").characters, unsure, *reading("23").characters), "tflite")
    plain = agree_readings([plate], None, UNCALIBRATED)
    joined = agree_readings([plate], format_evidence(["hu"]), UNCALIBRATED)
    assert plain is not None
    assert joined is not None
    assert (plain.text, joined.text) == ("ABCO23", "ABC023")
    assert dict(joined.characters[3].alternatives)["O"] == pytest.approx(
        plain.characters[3].confidence
    )
    assert joined.confidence > dict(plain.characters[3].alternatives)["0"]


@pytest.mark.parametrize("countries", [[], *([country] for country in sorted(PLATES))])
def test_ok__no_format_outweighs_sixty_to_one(countries: list[str]) -> None:
    evidence = format_evidence(countries)
    scores = [evidence(text) for plates in PLATES.values() for text in plates]
    assert max(scores) - min(evidence("QQQQQQQQQQ"), *scores) < math.log(60)


def test_fail__unknown_country_is_named() -> None:
    with pytest.raises(SettingsError, match=r"plates\.countries: 'zz': no such country; known are"):
        format_evidence(["zz"])
    with pytest.raises(SettingsError, match=r"^vision\.countries: 'zz'"):
        check_countries(["de", "zz"], "vision.countries")


def test_ok__a_country_code_may_be_in_capitals() -> None:
    check_countries(["DE"], "plates.countries")
    evidence = format_evidence(["HU", "hu"])
    assert evidence("ABC123") == PlateFormats(["hu"]).log_odds("ABC123")


@pytest.mark.parametrize("text", ["B152FTO", "AB12CDE", "ZH1", "Y8", "1A"])
def test_ok__registrations_look_like_plates(text: str) -> None:
    assert looks_like_plate(reading(text, 0.6))


@pytest.mark.parametrize(
    ("text", "confidence"), [("7", 0.95), ("TT", 0.95), ("11", 0.95), ("Y8", 0.4)]
)
def test_fail__very_short_texts_do_not_look_like_plates(text: str, confidence: float) -> None:
    assert not looks_like_plate(reading(text, confidence))


@pytest.mark.parametrize(
    ("text", "confidence"),
    [("AUDI", 0.6), ("WWWEXAMPLEDE", 0.99), ("IIII", 0.95), ("IIIIII", 0.7), ("TOYOTA", 0.5),
     ("AB12CDE", 0.01), ("", 0.9)],
)  # fmt: skip
def test_fail__badges_and_grilles_do_not_look_like_plates(text: str, confidence: float) -> None:
    assert not looks_like_plate(reading(text, confidence))


def test_ok__a_word_read_with_confidence_looks_like_a_personalised_plate() -> None:
    assert looks_like_plate(reading("GOOGLE", 0.97))
