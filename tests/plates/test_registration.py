# SPDX-License-Identifier: Apache-2.0
"""Guards the places of registration derived from plates, for all countries that encode them."""

from __future__ import annotations

import pytest

from plategate.plates.registration import (
    Registration,
    registered_in,
    registration_codes,
    registrations,
)
from plategate.plates.text import canonical

# Characters before or after the place code on plates of some country.
AROUND = ("AB123", "12ABC", "1234AB", "123456", "12345", "1234AB1", "12345A", "AB12345", "1")


@pytest.mark.parametrize(
    ("country", "plate", "place"),
    [
        ("de", "WOB ZK 295", "Wolfsburg"),
        ("de", "FÜ AB 12", "Fürth"),
        ("de", "HH XY 1234E", "Hamburg"),
        ("de", "BK AB 12", "Börde or Rems-Murr-Kreis (Backnang)"),
        ("de", "NRW 4 1234", "Nordrhein-Westfalen (state)"),
        ("gb", "KX11 ABC", "Northampton"),
        ("gb", "LB02 XYZ", "Wimbledon, London"),
        ("gb", "AZ 1234", "Belfast, Northern Ireland"),
        ("gb", "BIL 1234", "Fermanagh, Northern Ireland"),
        ("fr", "1234 AB 75", "Paris"),
        ("fr", "12 ABC 2A", "Corse-du-Sud"),
        ("fr", "123 ABC 974", "La Réunion"),
        ("in", "MH 12 AB 1234", "Pune, Maharashtra"),
        ("in", "KL 65 H 4383", "Kerala"),
        ("ro", "B 123 ABC", "București"),
        ("ro", "CJ 12 ABC", "Cluj"),
        ("pl", "KR 12345", "Kraków"),
        ("pl", "GDA 12AB", "pomorskie"),
        ("at", "W 12345 A", "Wien"),
        ("at", "GU 123 AB", "Graz-Umgebung"),
        ("at", "LN 123 AB", "Leoben"),
        ("at", "JU 12 ABC", "Murtal (Judenburg)"),
        ("it", "MI 1A2345", None),
        ("it", "MI 123456", "Milano"),
        ("it", "ROMA 12345A", "Roma"),
        ("ua", "AA 1234 BB", "Kyiv"),
        ("tr", "34 ABC 123", "İstanbul"),
        ("es", "M 1234 AB", "Madrid"),
        ("es", "GC 1234 AB", "Las Palmas"),
    ],
)
def test_ok__places(country, plate, place):
    places = {
        r.place
        for c in registration_codes()
        if c.country == country
        for r in c.places_of(canonical(plate))
    }
    assert place in places if place else not places


def test_ok__a_plate_without_separators_may_be_from_two_places():
    assert registered_in("BAB123", ["de"]) == "Berlin or Bamberg (Germany)"


def test_ok__expected_countries_come_first_and_others_remain():
    assert registrations("HHXY1234E", ["ro"]) == (Registration("Germany", "Hamburg"),)
    assert {r.country for r in registrations("M1234AB")} >= {"Spain"}
    assert registered_in("M1234AB", ["es"]) == registered_in("M1234AB", ["ES"]) == "Madrid (Spain)"


@pytest.mark.parametrize("plate", ["", "A", "ZZZZZZZZ", "12345678", "1234BCD", "AB123CD"])
def test_ok__plates_that_name_no_place(plate):
    assert registered_in(plate) is None


def test_ok__every_country_names_its_source_and_every_code_matches_a_pattern():
    countries = registration_codes()
    assert {c.country for c in countries} >= {
        "de",
        "gb",
        "fr",
        "in",
        "ro",
        "pl",
        "at",
        "it",
        "ua",
        "tr",
        "es",
    }
    for country in countries:
        assert len(country.source) > 20
        assert all(code == canonical(code) for code in country.places)
        for code in country.places:
            plates = [code + rest for rest in AROUND] + [rest + code for rest in AROUND]
            fits = [p.fullmatch(plate) for p in country.patterns for plate in plates]
            assert code in {fit["code"] for fit in fits if fit}, f"{country.country}: {code}"
