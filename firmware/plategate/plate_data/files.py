# SPDX-License-Identifier: Apache-2.0
"""Find a plate in any file.

A database is searched row by row. Every other file, and a damaged database, is searched byte by
byte, in every encoding that lists and databases use.
"""

from __future__ import annotations

import codecs
import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import AnyStr, BinaryIO

from plategate.errors import StoreError
from plategate.plate_data.mention import Mention
from plategate.plate_data.sqlite_rows import find_in_file
from plategate.storage import storage_errors

PIECE, OVERLAP = 1 << 20, 256  # bytes or characters that are searched at once
# Compressed: their bytes do not show what is in them. A picture is deleted with its passage.
PICTURES = frozenset({".jpg", ".jpeg", ".png"})
_DATABASE = b"SQLite format 3\0"
_ASCII_ALONE = bytes(byte if byte < 0x80 else 0x0A for byte in range(256))


def has_plate(file: Path | BinaryIO, plate: str) -> bool:
    """Whether a file has the plate: as it is, spaced in any way, or inside a ZIP or workbook.

    False for a file that is missing. Raises StoreError.
    """
    if isinstance(file, Path):
        with storage_errors(file):
            if not file.is_file():
                return False
            rows = _rows_have(file, plate)
            if rows:
                return True
            # The cells of a row stand in the file without anything between them.
            damaged = rows is None and not file.name.endswith("-wal")
            with file.open("rb") as stream:
                return has_plate(stream, plate) or (damaged and _has_cell(stream, plate))
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


def _rows_have(file: Path, plate: str) -> bool | None:
    """Whether a row of a database has the plate; None where the file is no sound database."""
    with file.open("rb") as stream:
        if stream.read(len(_DATABASE)) != _DATABASE:
            return None
    try:
        return bool(find_in_file(file, plate))
    except StoreError:
        return None


def _has_cell(file: BinaryIO, plate: str) -> bool:
    """Whether binary data has the plate as a column would, whatever stands next to it."""
    file.seek(0)
    cell = plate.encode("ascii")
    return any(b"\0" in piece and cell in piece for piece in _pieces(file.read, OVERLAP))


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
