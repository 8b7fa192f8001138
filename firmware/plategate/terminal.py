# SPDX-License-Identifier: Apache-2.0
"""What the commands share at the terminal: the --config option, and text that is safe to print."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[
    Path | None, typer.Option("--config", help="settings.toml; default: the installed one")
]
_JOINERS = "\u200c\u200d"  # ordinary in Persian and Indic names


def printable(text: str) -> str:
    """`text` with control and direction characters as escapes such as \\x1b and \\u202e.

    For text from lists, records, servers and file names: it could otherwise move the cursor, colour
    the terminal or reverse what stands after it.
    """
    return "".join(char if _is_safe(char) else ascii(char)[1:-1] for char in text)


def _is_safe(char: str) -> bool:
    return char.isprintable() or char in _JOINERS or unicodedata.category(char) == "Zs"
