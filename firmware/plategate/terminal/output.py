# SPDX-License-Identifier: Apache-2.0
"""Standard output and standard error of the command line, made safe for any terminal and any disk.

Control and direction characters become escapes, characters that the encoding lacks are replaced,
and a full disk is reported in one sentence.
"""

from __future__ import annotations

import codecs
import os
import sys
import unicodedata
from collections.abc import Iterable
from typing import Any, TextIO

from plategate.errors import OutputError, escaped, reason_of
from plategate.terminal import printable_lines

HANDLER = "plategate.replace"
REPLACEMENTS = {
    "→": "->", "←": "<-", "…": "...", "–": "-", "—": "-", "×": "x", "·": "-", "°": "deg", "µ": "u",  # noqa: RUF001
    "“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "€": "EUR",  # noqa: RUF001
    "ß": "ss", "ẞ": "SS", "Ł": "L", "ł": "l", "Ø": "O", "ø": "o", "Æ": "AE", "æ": "ae", "Œ": "OE",
    "œ": "oe", "Đ": "D", "đ": "d", "Ð": "D", "ð": "d", "Þ": "Th", "þ": "th", "ı": "i", "Ħ": "H",  # noqa: RUF001
}  # fmt: skip


class CheckedStream:
    """Writes to a text stream; OutputError if that fails, except for a closed pipe."""

    def __init__(self, stream: TextIO, name: str) -> None:
        self._stream = stream
        self._name = name

    def write(self, text: str) -> int:
        """Write `text`; characters that the encoding lacks are replaced."""
        if not isinstance(text, str):
            raise TypeError(f"text expected, not {type(text).__name__}")
        try:
            return self._stream.write(text)
        except BrokenPipeError:
            raise
        except (OSError, ValueError) as error:
            raise self._failed(error) from error

    def writelines(self, lines: Iterable[str]) -> None:
        """Write several texts."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Flush the stream."""
        try:
            self._stream.flush()
        except BrokenPipeError:
            raise
        except (OSError, ValueError) as error:
            raise self._failed(error) from error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _failed(self, error: Exception) -> OutputError:
        self._discard_the_rest()
        return OutputError(f"{self._name} cannot be written: {reason_of(error)}")

    def _discard_the_rest(self) -> None:
        """Send what is still buffered nowhere, or Python reports the same error again at exit."""
        try:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self._stream.fileno())
            os.close(null)
        except (OSError, ValueError):
            pass


class PrintableStream(CheckedStream):
    """Writes text with control and direction characters as escapes.

    Consoles of rich write to `rich_proxied_file`, because they need control characters themselves;
    `terminal.console.Console` escapes those of the data.
    """

    def __init__(self, stream: TextIO, name: str) -> None:
        super().__init__(stream, name)
        self.rich_proxied_file = CheckedStream(stream, name)

    def write(self, text: str) -> int:
        """Write `text` with escapes."""
        super().write(printable_lines(text) if isinstance(text, str) else text)
        return len(text)


def guard_output() -> None:
    """Guard `sys.stdout` and `sys.stderr`; a closed one (None) stays as it is."""
    codecs.register_error(HANDLER, replace_unencodable)
    for name, words in (("stdout", "standard output"), ("stderr", "standard error")):
        stream = getattr(sys, name)
        if stream is not None and not isinstance(stream, CheckedStream):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors=HANDLER)
            setattr(sys, name, PrintableStream(stream, words))


def data_output() -> TextIO:
    """Standard output for exported data: UTF-8 and unchanged, except on a terminal."""
    stream: Any = sys.stdout
    if isinstance(stream, PrintableStream) and not stream.isatty():
        stream = stream.rich_proxied_file
        stream.reconfigure(encoding="utf-8", errors="surrogateescape", newline="")
    return stream  # type: ignore[no-any-return]


def replace_unencodable(error: UnicodeError) -> tuple[str, int]:
    """Codec error handler: a similar text in ASCII, or "?". JSON gets its own escapes instead."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    is_json = error.object.lstrip()[:1] in ("{", "[")
    unencodable = error.object[error.start : error.end]
    replace = escaped if is_json else similar
    return "".join(replace(char) for char in unencodable), error.end


def similar(char: str) -> str:
    """ASCII text that resembles a character; "?" if there is none."""
    if char in REPLACEMENTS:
        return REPLACEMENTS[char]
    base = unicodedata.normalize("NFKD", char).encode("ascii", "ignore").decode()
    return base or ("" if unicodedata.combining(char) else "?")
