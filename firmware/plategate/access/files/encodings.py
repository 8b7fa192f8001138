# SPDX-License-Identifier: Apache-2.0
"""Recognize the encoding of a text file of an owner: UTF-8, UTF-16 or Windows-1252."""

from __future__ import annotations

import codecs
import re
from io import BytesIO
from typing import BinaryIO

from plategate.access.files.rows import TableError
from plategate.access.files.tables import CHUNK

MOST_BYTES = 67_108_864  # of a file that is converted in memory
WINDOWS = "Windows-1252"
_SAVE_AS = 'save it from the spreadsheet as "CSV UTF-8"'
_UTF16 = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_WORD = re.compile(r"\w*[^\x00-\x7f]\w*")


def as_utf8(stream: BinaryIO) -> tuple[BinaryIO, int, str | None]:
    """The text as UTF-8, where it starts (after a byte order mark), and a note if it was converted.

    Raises TableError if the encoding is not one of the known ones.
    """
    stream.seek(0)
    start = stream.read(4)
    if b"\0" in start[:2]:  # no byte order mark; the first character of a table is ASCII
        return _converted(stream, "utf-16-be" if start[0] == 0 else "utf-16-le", "UTF-16")
    if encoding := next((_UTF16[mark] for mark in _UTF16 if start.startswith(mark)), None):
        return _converted(stream, encoding, "UTF-16")
    if _is_utf8(stream):
        return stream, len(codecs.BOM_UTF8) if start.startswith(codecs.BOM_UTF8) else 0, None
    return _converted(stream, "cp1252", WINDOWS)


def _is_utf8(stream: BinaryIO) -> bool:
    stream.seek(0)
    decode = codecs.getincrementaldecoder("utf-8")().decode
    try:
        while chunk := stream.read(CHUNK):
            decode(chunk)
        decode(b"", True)
    except UnicodeDecodeError:
        return False
    return True


def _converted(stream: BinaryIO, encoding: str, name: str) -> tuple[BinaryIO, int, str]:
    stream.seek(0)
    data = stream.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise TableError(1, "", None, f"not UTF-8 text; {_SAVE_AS}")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        raise TableError(1, "", None, f"neither UTF-8 nor {name} text; {_SAVE_AS}") from None
    sample = _WORD.search(text)
    check = f"; check names such as {sample[0][:40]!r}" if sample else ""
    return BytesIO(text.encode()), 0, f"the text is not UTF-8; it is read as {name}{check}"
