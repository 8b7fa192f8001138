# SPDX-License-Identifier: Apache-2.0
"""What the commands share at the terminal: the --config option, and messages safe to print."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from plategate.errors import printable

Config = Annotated[
    Path | None, typer.Option("--config", help="settings.toml; default: the installed one")
]
_BETWEEN_LINE_ENDS = re.compile(r"[^\n\t]+")


def printable_lines(text: str) -> str:
    """As `printable`, for whole messages: line ends and tabs stay."""
    if text.isprintable():
        return text
    return _BETWEEN_LINE_ENDS.sub(lambda m: printable(m.group()), text.replace("\r\n", "\n"))
