# SPDX-License-Identifier: Apache-2.0
"""Questions and answers at the terminal; an answer that cannot be used is asked for again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import typer

Answer = TypeVar("Answer")

NONE_WORDS = ("none", "-")


class Dialog:
    """Asks at the terminal. Ctrl-C or the end of the input raises typer.Abort."""

    def say(self, text: str) -> None:
        """Print a sentence."""
        typer.echo(text)

    def ask(self, text: str, default: str, parse: Callable[[str], Answer]) -> Answer:
        """The answer as `parse` understands it; `parse` raises ValueError with advice.

        Enter takes the default.
        """
        while True:
            answer = str(typer.prompt(text, default=default, show_default=bool(default)))
            try:
                return parse(answer.strip())
            except ValueError as error:
                typer.echo(f"  {error}")

    def confirm(self, text: str, default: bool) -> bool:
        """Yes or no."""
        return typer.confirm(text, default=default)

    def choose(self, text: str, choices: Sequence[tuple[str, str]], default: str) -> str:
        """One of the words; each has a sentence that explains it."""
        for word, meaning in choices:
            typer.echo(f"  {word:<15} {meaning}")
        words = [word for word, _ in choices]

        def parse(answer: str) -> str:
            if answer.lower() not in words:
                raise ValueError(f"{answer!r}: must be one of {', '.join(words)}")
            return answer.lower()

        return self.ask(text, default, parse)


def parse_line_number(answer: str) -> int | None:
    """The BCM number of a line; None for "none"."""
    if answer.lower() in NONE_WORDS:
        return None
    number = answer.lower().removeprefix("gpio").strip()
    if not number.isascii() or not number.isdigit():
        raise ValueError(f'{answer!r}: must be a BCM number from 0 to 27, or "none"')
    return int(number)
