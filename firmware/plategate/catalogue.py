# SPDX-License-Identifier: Apache-2.0
"""The message catalogue: the texts of each part in English and German, and values as text."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable

LANGUAGES = ("en", "de")
LONGEST_HEADER = 200
_PLACE = re.compile(r"\{(\w+)\}")

PAGES = "plategate.console"  # its catalogue has the words of the gate too: faults, reasons

Translator = Callable[..., str]


@cache
def texts_of(language: str, package: str = PAGES) -> dict[str, str]:
    """The texts of a package in a language by key; a key in a table is written `table.key`.

    They are in its folder `languages`: in `en.toml` and, by subject, in such as `settings.en.toml`.
    """
    texts: dict[str, str] = {}
    for file in sorted(_folder(package).iterdir(), key=lambda file: file.name):
        if file.name == f"{language}.toml" or file.name.endswith(f".{language}.toml"):
            for name, table in tomllib.loads(file.read_text(encoding="utf-8")).items():
                texts |= {f"{name}.{key}": text for key, text in table.items()}
    return texts


@cache
def _described(language: str) -> dict[str, str]:
    file = _folder(PAGES) / "settings" / f"{language}.toml"
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def described(language: str, key: str, english: str) -> tuple[str, bool]:
    """The meaning of a setting, and whether it is in the language; otherwise it is in English."""
    text = _described(language).get(key)
    return (english, language == "en") if text is None else (text, True)


@cache
def _sentences(language: str) -> list[tuple[re.Pattern[str], str]]:
    """Patterns of the gate's English sentences, and the sentences in the language."""
    file = _folder(PAGES) / "sentences" / f"{language}.toml"
    if not file.is_file():
        return []
    known = tomllib.loads(file.read_text(encoding="utf-8"))
    # A sentence without places for texts counts before one with them.
    ordered = sorted(known.items(), key=lambda pair: "{" in pair[0])
    return [(_pattern(english), text) for english, text in ordered]


def _pattern(english: str) -> re.Pattern[str]:
    parts = _PLACE.split(english)
    return re.compile(
        "".join(
            f"(?P<{part}>.+?)" if number % 2 else re.escape(part)
            for number, part in enumerate(parts)
        )
    )


def sentence_of(language: str, text: str) -> tuple[str, bool]:
    """A sentence of the gate in the language, and whether it is; otherwise as it is, in English."""
    if language == "en":
        return text, True
    for pattern, translated in _sentences(language):
        if (found := pattern.fullmatch(text)) is not None:
            values = {
                name: sentence_of(language, value)[0] if name.startswith("_") else value
                for name, value in found.groupdict().items()
            }
            return translated.format(**values), True
    return text, False


def translator(language: str, package: str = PAGES) -> Translator:
    """A function that gives the text of a key, with {values} filled in.

    A key that the catalogue lacks raises KeyError.
    """
    texts = texts_of(language, package)

    def translate(key: str, /, **values: object) -> str:
        return texts[key].format(**values) if values else texts[key]

    return translate


def word_of(language: str, table: str, word: str, otherwise: str | None = None) -> str:
    """A word of the gate (a reason, a signal) in the language; where there is none, `otherwise`.

    That is the word itself by default.
    """
    other = word.replace("_", " ") if otherwise is None else otherwise
    return texts_of(language).get(f"{table}.{word}", other)


def _folder(package: str) -> Traversable:
    return resources.files(package) / "languages"


def chosen_language(accepted: str, default: str) -> str:
    """The language of an Accept-Language header, or `default` where it names none of ours."""
    weighted: list[tuple[float, str]] = []
    for part in accepted[:LONGEST_HEADER].split(","):
        name, _, weight = part.partition(";q=")
        language = name.strip().lower().split("-")[0]
        try:
            share = float(weight) if weight else 1.0
        except ValueError:
            continue
        if language in LANGUAGES and share > 0:
            weighted.append((share, language))
    # max() keeps the first of equal weights.
    return max(weighted, key=lambda pair: pair[0])[1] if weighted else default


def duration(seconds: float) -> str:
    """A duration in its largest unit."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"


def facts(detail: str) -> str:
    """The detail of an event; JSON, as commands have it, as `key: value` pairs."""
    try:
        found = json.loads(detail)
    except ValueError:
        return detail
    if not isinstance(found, dict):
        return detail
    left_out = {"id", "expires_at", "user"}
    inner = found.pop("data", None)
    values = [*found.items(), *(inner.items() if isinstance(inner, dict) else ())]
    return ", ".join(f"{key}: {value}" for key, value in values if key not in left_out)
