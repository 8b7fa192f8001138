# SPDX-License-Identifier: Apache-2.0
"""The message catalogue: the texts of the pages in English and German, and values as text."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable
from functools import cache
from importlib import resources

LANGUAGES = ("en", "de")
LONGEST_HEADER = 200

Translator = Callable[..., str]


@cache
def texts_of(language: str) -> dict[str, str]:
    """The texts of a language by key; a key in a table is written `table.key`."""
    folder = resources.files("plategate.console") / "languages"
    tables = tomllib.loads((folder / f"{language}.toml").read_text(encoding="utf-8"))
    return {f"{name}.{key}": text for name, table in tables.items() for key, text in table.items()}


def translator(language: str) -> Translator:
    """A function that gives the text of a key, with {values} filled in.

    A key that the catalogue lacks raises KeyError.
    """
    texts = texts_of(language)

    def translate(key: str, **values: object) -> str:
        return texts[key].format(**values) if values else texts[key]

    return translate


def word_of(language: str, table: str, word: str) -> str:
    """A word of the gate (a reason, a signal) in the language; itself where there is none."""
    return texts_of(language).get(f"{table}.{word}", word.replace("_", " "))


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
    return ", ".join(f"{key}: {value}" for key, value in found.items() if key not in left_out)
