# SPDX-License-Identifier: Apache-2.0
"""Find a plate in a text, however it is spaced and in whatever letters, and in any file.

Files are searched byte by byte, in every encoding that lists and databases use.
"""

from __future__ import annotations

import codecs
import io
import re
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import AnyStr, BinaryIO

from plategate.errors import ListError
from plategate.plates.text import canonical, decomposed, fold_char
from plategate.storage import storage_errors

PIECE, OVERLAP = 1 << 20, 256  # bytes or characters that are searched at once
# Compressed: their bytes do not show what is in them. A picture is deleted with its passage.
PICTURES = frozenset({".jpg", ".jpeg", ".png"})
# What people write between the parts of a plate.
_BETWEEN = r"[\s\-.·•_/:]*"
REMOVED = "(erased)"
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
_ASCII_ALONE = bytes(byte if byte < 0x80 else 0x0A for byte in range(256))


class Mention:
    """Finds one canonical plate in texts: "AB 12 CDE", "ab-12-cde" and "AB12CDE" are the same."""

    def __init__(self, plate: str) -> None:
        """Raises ListError where `plate` is empty or not canonical."""
        if not plate or canonical(plate) != plate:
            raise ListError(f"{plate!r} is not a plate in canonical form (A-Z and 0-9)")
        self.plate = plate
        spaced = _BETWEEN.join(map(re.escape, plate))
        self._pattern = re.compile(f"(?<![A-Z0-9]){spaced}(?![A-Z0-9])")

    def is_in(self, text: str) -> bool:
        """Whether the plate stands in the text as a word of its own."""
        capitals = text.upper()
        if text.isascii():
            return self._pattern.search(capitals) is not None
        return self._pattern.search(_NOT_ASCII.sub(_folded_run, text).upper()) is not None

    def removed_from(self, text: str) -> str:
        """The text with "(erased)" wherever the plate stands."""
        folded, places = _folded(text)
        parts, end = [], 0
        for found in self._pattern.finditer(folded):
            parts += [text[end : places[found.start()]], REMOVED]
            end = places[found.end() - 1] + 1
        return "".join((*parts, text[end:]))


def has_plate(file: Path | BinaryIO, plate: str) -> bool:
    """Whether a file has the plate: as it is, spaced in any way, or inside a ZIP or workbook.

    False for a file that is missing. Raises StoreError.
    """
    if isinstance(file, Path):
        with storage_errors(file):
            if not file.is_file():
                return False
            with file.open("rb") as stream:
                return has_plate(stream, plate)
    if zipfile.is_zipfile(file):
        file.seek(0)
        with zipfile.ZipFile(file) as archive:
            return any(
                has_plate(io.BytesIO(archive.read(name)), plate) for name in archive.namelist()
            )
    file.seek(0)
    mention = Mention(plate)
    if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        file.seek(0)
        text = codecs.getreader("utf-16")(file, "replace")
        return any(map(mention.is_in, _pieces(text.read, OVERLAP)))
    file.seek(0)
    return any(_bytes_have(chunk, mention) for chunk in _pieces(file.read, OVERLAP))


def files_with(folder: Path, plate: str) -> list[Path]:
    """The files below a folder that have the plate in their name or their content.

    The content of pictures is left out. Raises StoreError.
    """
    with storage_errors(folder):
        files = sorted(path for path in folder.rglob("*") if path.is_file())
    mention = Mention(plate)
    return [
        file
        for file in files
        if mention.is_in(file.stem)
        or (file.suffix.lower() not in PICTURES and has_plate(file, plate))
    ]


def _pieces(read: Callable[[int], AnyStr], overlap: int) -> Iterator[AnyStr]:
    """What `read` gives, in pieces that overlap."""
    end: AnyStr | None = None
    while part := read(PIECE):
        yield part if end is None else end + part
        end = part[-overlap:]


def _bytes_have(piece: bytes, mention: Mention) -> bool:
    """Whether text, or binary data, has the plate; without its zeros UTF-16 is text as well."""
    if b"\0" not in piece:
        return mention.is_in(piece.decode("utf-8", errors="replace"))
    return any(
        mention.is_in(data.translate(_ASCII_ALONE).decode("ascii"))
        for data in (piece, piece.replace(b"\0", b""))
    )


def _folded(text: str) -> tuple[str, list[int]]:
    """The text with every letter and digit folded, and the place of each character in `text`."""
    folded: list[str] = []
    places: list[int] = []
    for place, char in enumerate(text):
        for part in decomposed(char):
            if unicodedata.combining(part):
                continue  # the accent of the letter before it
            letters = fold_char(part) or part
            folded.append(letters)
            places += [place] * len(letters)
    return "".join(folded), places


def _folded_run(found: re.Match[str]) -> str:
    return _folded(found[0])[0]
