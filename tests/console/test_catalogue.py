# SPDX-License-Identifier: Apache-2.0
"""Every language has every text with the same values in it; templates use existing keys."""

from __future__ import annotations

import re
import string
from importlib import resources

import pytest

from plategate.catalogue import (
    LANGUAGES,
    chosen_language,
    described,
    facts,
    sentence_of,
    texts_of,
    word_of,
)
from plategate.gate.remote_control import SENTENCES
from plategate.messages import FaultCode, InputName, Level, Mode, Signal
from plategate.remote.protocol import AnswerResult
from plategate.settings import Settings
from plategate.settings.overlay import tables_of
from plategate.values import Reason, Result

PACKAGE = resources.files("plategate.console")
REPORTS = resources.files("plategate.reports")
WORDS = {
    "reason": Reason, "reason_short": Reason, "result": Result, "signal": Signal, "mode": Mode,
    "level": Level, "input": InputName, "fault": FaultCode, "answer": AnswerResult,
}  # fmt: skip


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_ok__the_languages_have_the_same_keys_with_the_same_values() -> None:
    english, *others = (texts_of(language) for language in LANGUAGES)
    for other in others:
        assert list(other) == list(english)
        for key, text in english.items():
            assert fields(other[key]) == fields(text), key
            assert other[key].strip(), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_ok__every_word_of_the_gate_has_a_text(language: str) -> None:
    for table, words in WORDS.items():
        missing = [
            word.value for word in words if f"{table}.{word.value}" not in texts_of(language)
        ]
        assert missing == [], table
    assert word_of(language, "reason", "new_reason") == "new reason"


def test_ok__every_setting_has_a_german_meaning() -> None:
    keys = [f"{table}.{key}" for table, model in tables_of(Settings) for key in model.model_fields]
    assert [key for key in keys if not described("de", key, "")[1]] == []


def test_ok__templates_and_code_use_existing_keys() -> None:
    used: set[str] = set()
    for template in (PACKAGE / "templates").iterdir():
        text = template.read_text(encoding="utf-8")
        used |= set(re.findall(r"\bt\('([\w.]+)'[),]", text))
    for module in (path for path in PACKAGE.iterdir() if path.name.endswith(".py")):
        code = module.read_text(encoding="utf-8")
        keys = re.findall(r'(?:InputError|RefusedRequest)\((?:\d+, )?"(\w+)"\)', code)
        used |= {f"wrong.{key}" for key in keys}
        keys = re.findall(r'\.note\(\s*[^,]+, asked\.address, "(\w+)"', code)
        used |= {f"audit_what.{key}" for key in keys}
    assert len(used) > 80
    assert used - texts_of("en").keys() == set()


def test_ok__no_text_is_left_over() -> None:
    """Tables of words are looked up by the gate's word; single texts are named in a template."""
    source = "".join(
        path.read_text(encoding="utf-8")
        for path in (*(PACKAGE / "templates").iterdir(), *PACKAGE.iterdir(), *REPORTS.iterdir())
        if path.name.endswith((".html", ".py"))
    )
    by_word = set(re.findall(r"word\('(\w+)'", source)) | set(re.findall(r"t\('(\w+)\.' ~", source))
    left = [
        key
        for key in texts_of("en")
        if key.split(".")[0] not in by_word and not re.search(rf"""['"]{key}['"]""", source)
    ]
    assert left == []


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("en-GB,de;q=0.9", "en"),
        ("fr, de;q=0", "en"),
        ("de;q=nonsense", "en"),
        ("*" * 10_000, "en"),
    ],
)
def test_ok__the_language_follows_the_browser(header: str, language: str) -> None:
    assert chosen_language(header, "en") == language


def test_ok__sentences_of_the_gate_are_german_too() -> None:
    spoken = {
        "opened, 2 vehicles, same visit as R1-2": "geöffnet, 2 Fahrzeuge, derselbe Besuch wie R1-2",
        "fault: left_open": "Störung: der Baum blieb zu lange oben",
        "opened, nobody drove through": "geöffnet, niemand fuhr durch",
        "no frame from /dev/video0 for 7 s": "seit 7 s kein Bild von /dev/video0",
    }
    for english, german in spoken.items():
        assert sentence_of("de", english) == (german, True)
        assert sentence_of("en", english) == (english, True)
    assert sentence_of("de", "something new") == ("something new", False)
    for refusal in SENTENCES.values():
        assert sentence_of("de", refusal)[1], refusal
    for code in FaultCode:
        assert sentence_of("de", code.value)[1], code


def test_ok__the_data_of_a_command_are_facts_like_the_others() -> None:
    detail = (
        '{"command": "setting", "data": {"key": "a.b", "value": 1}, "id": "x", "why": "guests"}'
    )
    assert facts(detail) == "command: setting, why: guests, key: a.b, value: 1"
    assert facts("plain") == "plain"
