# SPDX-License-Identifier: Apache-2.0
"""Layouts of plates from data files, and registrations drawn from their patterns."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

LAYOUTS = Path(__file__).parent / "layouts"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
DIGITS = "0123456789"
SEPARATORS = {" ": "gap", "_": "wide", "-": "dash", ".": "dot", ":": "dot", "*": "seal"}
WORDS = (
    "MYCAR", "GOFAST", "LUVBUG", "HOTROD", "SUNNY", "OCEAN", "BIGDOG", "NUMBER", "ROCKET",
    "KINGPIN", "SKIPPER", "TOYBOX", "COWBOY", "MAMBA", "GRANDMA", "FISHIN", "SAILOR", "TURBO",
    "MIDNITE", "CALLME", "OFFICE", "PILOT", "WINNER", "ZOOMIN", "QUEEN", "JAZZY", "VIPER",
    "XPRESS", "PRIVATE", "HAPPY", "WILDCAT", "YANKEE", "BLUES", "ECLIPSE", "FUJI", "KAYAK",
)  # fmt: skip


BAR_AT_END = 0.15


@dataclass(frozen=True)
class Mark:
    """One thing on a line: a character of the registration, a separator or a small text."""

    kind: str  # char, raised, small, gap, wide, dash, dot, seal
    text: str = ""


@dataclass(frozen=True)
class Style:
    """One layout of one country."""

    country: str
    weight: float
    patterns: tuple[str, ...]
    size: tuple[int, int]
    colours: tuple[tuple[str, str], ...]
    fonts: tuple[str, ...]
    height: float
    extra: dict[str, Any] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)

    def words(self, key: str, rng: np.random.Generator) -> str:
        """One of the texts allowed at a place of the plate, or nothing."""
        value = self.extra.get(key, [""])
        if isinstance(value, str):
            value = self.lists[value.strip("{}")]
        return str(value[rng.integers(len(value))])


def _style(country: str, table: dict[str, Any], lists: dict[str, list[str]]) -> Style:
    known = {"weight", "patterns", "size", "colours", "fonts", "height"}
    colours = table.get("colours", [["#efefea", "#121214"]])
    return Style(
        country=country,
        weight=float(table.get("weight", 1.0)),
        patterns=tuple(table["patterns"]),
        size=(table["size"][0], table["size"][1]),
        colours=tuple((back, ink) for back, ink in colours),
        fonts=tuple(table["fonts"]),
        height=float(table.get("height", 0.66)),
        extra={key: value for key, value in table.items() if key not in known},
        lists=lists,
    )


@functools.cache
def load_styles() -> tuple[tuple[Style, ...], tuple[float, ...]]:
    """All styles of all layout files, and the share of plates that each gets."""
    styles: list[Style] = []
    shares: list[float] = []
    for path in sorted(LAYOUTS.glob("*.toml")):
        table = tomllib.loads(path.read_text())
        group = [_style(table["code"], entry, table.get("lists", {})) for entry in table["style"]]
        total = sum(style.weight for style in group)
        styles += group
        shares += [table["weight"] * style.weight / total for style in group]
    whole = sum(shares)
    return tuple(styles), tuple(share / whole for share in shares)


def pick_style(rng: np.random.Generator) -> Style:
    """A style drawn by its share."""
    styles, shares = load_styles()
    return styles[int(rng.choice(len(styles), p=shares))]


def _until(pattern: str, start: int, closing: str) -> tuple[str, int]:
    end = pattern.index(closing, start + 1)
    return pattern[start + 1 : end], end + 1


def _pick(options: str, rng: np.random.Generator) -> str:
    return options[int(rng.integers(len(options)))]


def draw_lines(style: Style, rng: np.random.Generator) -> list[list[Mark]]:
    """The marks of one random plate, line by line."""
    pattern = style.patterns[int(rng.integers(len(style.patterns)))]
    if style.extra.get("words") and rng.random() < 0.5:
        return [[Mark("char", letter) for letter in _pick_word(rng)]]
    return _bar_at_end(_draw_pattern(pattern, style, rng), rng)


def _bar_at_end(lines: list[list[Mark]], rng: np.random.Generator) -> list[list[Mark]]:
    """Occasionally an I or a 1 next to the rim, which readers miss."""
    if rng.random() < BAR_AT_END:
        line = lines[int(rng.integers(len(lines)))]
        at = -1 if rng.random() < 0.7 else 0
        if line[at].kind == "char":
            line[at] = Mark("char", "1" if line[at].text in DIGITS else "I")
    return lines


def _draw_pattern(pattern: str, style: Style, rng: np.random.Generator) -> list[list[Mark]]:
    letters = style.extra.get("letters", LETTERS)
    lines: list[list[Mark]] = [[]]
    kind, at = "char", 0
    while at < len(pattern):
        token = pattern[at]
        at += 1
        if token in SEPARATORS:
            lines[-1].append(Mark(SEPARATORS[token]))
        elif token == "|":
            lines.append([])
        elif token == "~":
            kind = "char" if kind == "raised" else "raised"
        elif token == "<":
            name, at = _until(pattern, at - 1, ">")
            options = style.lists[name]
            lines[-1].append(Mark("small", options[int(rng.integers(len(options)))]))
        else:
            text, at = _token(pattern, at - 1, style, letters, rng)
            lines[-1] += [Mark(kind, character) for character in text]
    return lines


def _pick_word(rng: np.random.Generator) -> str:
    return WORDS[int(rng.integers(len(WORDS)))]


def _token(
    pattern: str, at: int, style: Style, letters: str, rng: np.random.Generator
) -> tuple[str, int]:
    token = pattern[at]
    simple = {"A": letters, "0": DIGITS, "9": DIGITS[1:]}
    if token in simple:
        return _pick(simple[token], rng), at + 1
    if token == "=":
        return pattern[at + 1], at + 2
    if token == "{":
        name, after = _until(pattern, at, "}")
        options = style.lists[name]
        return options[int(rng.integers(len(options)))], after
    if token == "[":
        classes, after = _until(pattern, at, "]")
        alphabet = {"A0": LETTERS + DIGITS + DIGITS}.get(classes, classes)
        return _pick(alphabet, rng), after
    return token, at + 1


def registration(lines: list[list[Mark]]) -> str:
    """The expected reading: registration characters only, top line first."""
    marks = (mark for line in lines for mark in line)
    return "".join(mark.text for mark in marks if mark.kind in ("char", "raised"))
