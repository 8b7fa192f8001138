# SPDX-License-Identifier: Apache-2.0
"""A privacy profile limits what the journal keeps; a key that keeps more is refused by name."""

from __future__ import annotations

import pytest

from plategate.errors import SettingsError
from plategate.settings import Settings, parse_settings
from plategate.settings.journal import JournalSettings
from plategate.settings.privacy import ORDERS, PrivacySettings, profiles

COUNTRIES = ("de", "at", "ch", "fr", "gb", "lu")


def of(**tables: object) -> Settings:
    return parse_settings(tables, "settings.toml")


@pytest.mark.parametrize("code", COUNTRIES)
def test_ok__every_profile_is_complete_and_names_its_sources(code: str) -> None:
    profile = profiles()[code]
    assert profile.sources
    assert profile.journal.keys() == profiles()["de"].journal.keys()
    journal = of(privacy={"profile": code}).journal
    assert {key: getattr(journal, key) for key in profile.journal} == profile.journal


def test_ok__without_a_profile_nothing_changes() -> None:
    assert of() == Settings()
    assert of(privacy={"profile": "custom"}, journal={"refused_days": 300}).journal.refused_days


def test_ok__a_key_may_keep_less_than_the_profile() -> None:
    journal = of(
        privacy={"profile": "gb"},
        journal={"granted_days": 3, "evidence": "plate", "delete_at_match": True},
    ).journal
    assert (journal.granted_days, journal.evidence, journal.delete_at_match) == (3, "plate", True)
    assert journal.refused_days == 30


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("refused_days", 9),
        ("unknown_text_hours", 2),
        ("unknown_pictures", True),
        ("blur_stills", False),
    ],
)
def test_fail__a_key_that_keeps_more_is_named(key: str, value: object) -> None:
    with pytest.raises(SettingsError, match=rf"settings\.toml: journal\.{key} = .*\"de\" allows"):
        of(privacy={"profile": "de"}, journal={key: value})


def test_fail__pictures_and_deletion_at_the_match_cannot_be_loosened() -> None:
    for journal in ({"evidence": "plate"}, {"delete_at_match": False}):
        with pytest.raises(SettingsError, match="keeps more"):
            of(privacy={"profile": "fr"}, journal=journal)


def test_ok__settings_made_of_models_observe_the_profile() -> None:
    made = Settings(privacy=PrivacySettings(profile="at"), journal=JournalSettings(granted_days=2))
    assert (made.journal.granted_days, made.journal.refused_days) == (2, 3)


@pytest.mark.parametrize("raw", [{"privacy": 3}, {"privacy": {"profile": 3}}, {"journal": 3}])
def test_fail__malformed_tables_are_reported_as_such(raw: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match=r"must be|table"):
        of(**{"privacy": {"profile": "de"}, **raw})


def test_ok__words_and_switches_of_the_profiles_have_an_order() -> None:
    for profile in profiles().values():
        for key, limit in profile.journal.items():
            assert key in ORDERS or (isinstance(limit, int) and not isinstance(limit, bool))


@pytest.mark.parametrize("code", COUNTRIES)
def test_ok__samples_last_no_longer_than_pictures(code: str) -> None:
    assert of(privacy={"profile": code}).samples.days == profiles()[code].journal["evidence_days"]
    assert of(privacy={"profile": code}, samples={"days": 1}).samples.days == 1
    assert of(privacy={"profile": "custom"}, samples={"days": 300}).samples.days == 300


def test_fail__samples_that_keep_more_than_the_profile_are_named() -> None:
    with pytest.raises(
        SettingsError, match=r'samples\.days = 3 keeps more than .*"de" allows \(2\)'
    ):
        of(privacy={"profile": "de"}, samples={"days": 3, "consent": "the owner"})
    with pytest.raises(SettingsError, match=r'samples\.consent: .* "fr" allows none'):
        of(privacy={"profile": "fr"}, samples={"consent": "the owner"})
    assert of(privacy={"profile": "fr"}, samples={"consent": ""}).samples.consent == ""
    assert of(privacy={"profile": "gb"}, samples={"consent": "the owner"}).samples.consent
