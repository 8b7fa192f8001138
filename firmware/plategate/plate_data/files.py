# SPDX-License-Identifier: Apache-2.0
"""Find a plate in a text, however it is spaced and in whatever letters, and in any file.

Files are searched byte by byte, in every encoding that lists and databases use.
"""

from __future__ import annotations

import io
import re
import unicodedata
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from plategate.errors import ListError
from plategate.plates.text import canonical, decomposed, fold_char
from plategate.storage import storage_errors

CHUNK_BYTES = 1 << 20
OVERLAP_BYTES = 256
# Compressed: their bytes do not show what is in them. A picture is deleted with its passage.
PICTURES = frozenset({".jpg", ".jpeg", ".png"})
# What people write between the parts of a plate.
_BETWEEN = r"[\s\-.·•_/:]*"
REMOVED = "(erased)"


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
        folded = text.upper() if text.isascii() else _folded(text)[0]
        return self._pattern.search(folded) is not None

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
    mention, spelled = Mention(plate), _spelled(plate)
    return any(_chunk_has(chunk, mention, spelled) for chunk in _chunks(file))


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


def _chunks(stream: BinaryIO) -> Iterator[bytes]:
    """The content in pieces that overlap."""
    end = b""
    while part := stream.read(CHUNK_BYTES):
        yield end + part
        end = part[-OVERLAP_BYTES:]


def _spelled(plate: str) -> re.Pattern[bytes]:
    """A quick test: the characters of the plate in their order, at most 12 bytes apart."""
    return re.compile(
        b"[\\x00-\\xff]{0,12}?".join(re.escape(char.encode()) for char in plate), re.IGNORECASE
    )


def _chunk_has(chunk: bytes, mention: Mention, spelled: re.Pattern[bytes]) -> bool:
    if b"\0" in chunk:
        return spelled.search(chunk) is not None and any(map(mention.is_in, _texts(chunk)))
    return mention.is_in(chunk.decode("utf-8", errors="replace"))


def _texts(chunk: bytes) -> Iterator[str]:
    """What binary data or UTF-16 may say; a piece may begin in the middle of a character."""
    yield chunk.decode("latin-1").replace("\0", "\n")
    for encoding in ("utf-16-le", "utf-16-be"):
        for start in (0, 1):
            yield chunk[start:].decode(encoding, errors="replace")


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
