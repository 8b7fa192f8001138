# SPDX-License-Identifier: Apache-2.0
"""Decode picture files into H x W x 3 uint8 BGR with the EXIF orientation applied; find them.

The only decoder of picture files. Every problem with a file raises ImageError with one sentence; a
picture above the size limit is refused by its header, before its pixels are decoded.
"""

from __future__ import annotations

import io
import stat
import struct
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, UnidentifiedImageError
from PIL import Image as Pillow

from plategate.errors import ImageError, reason_of
from plategate.values import Image, Still

MOST_MEGAPIXELS = 100
# Raster formats only: no decoder that starts programs or reads other files.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM", "JPEG2000")
JPEG_SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".jpe", ".jfif", ".jfi", ".jif", ".mpo", ".jp2", ".j2k")
)
SUFFIXES = JPEG_SUFFIXES | frozenset(
    (".png", ".webp", ".bmp", ".dib", ".tif", ".tiff", ".gif", ".ppm", ".pgm", ".pbm", ".pnm")
)
# Pictures that cannot be decoded here. In a folder they are reported like damaged ones.
UNSUPPORTED = frozenset(
    (".heic", ".heif", ".hif", ".avif", ".jxl", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".psd")
)
HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis")
JPEG_START, JPEG_END = b"\xff\xd8", b"\xff\xd9"
JPEG_ROWS_PX = 32  # the last row of blocks, and what interpolation spreads of it
DEEP_MODES = ("I", "I;16", "I;16B", "I;16L", "I;16N", "F")
# Exceptions of Pillow's decoders on damaged files, in addition to OSError.
DECODER_FAILURES = (
    ArithmeticError,
    EOFError,
    LookupError,
    MemoryError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
)


def load_still(path: Path) -> Still:
    """Decode one file; the still's `captured_at` is its EXIF time, else the file's."""
    _check_file(path)
    with warnings.catch_warnings():
        # Pillow warns of large pictures and invalid EXIF data; both are handled here.
        warnings.simplefilter("ignore")
        try:
            pixels, exif = _decoded(path)
        except ImageError:
            raise
        except UnidentifiedImageError:
            raise ImageError(_unknown_format(path)) from None
        except Pillow.DecompressionBombError:
            raise ImageError(f"too large: more than {MOST_MEGAPIXELS} megapixels") from None
        except OSError as error:
            raise ImageError(f"cannot be read: {reason_of(error)}") from error
        except DECODER_FAILURES as error:
            raise ImageError(f"damaged picture: {error or type(error).__name__}") from error
    turned = _turn(pixels, exif.get(ExifTags.Base.Orientation, 1))
    return Still(image=turned, source=str(path), captured_at=_captured_at(path, exif))


def jpeg_still(content: bytes, source: str) -> Still:
    """Decode a JPEG in memory. Raises ImageError."""
    try:
        with Pillow.open(io.BytesIO(content), formats=("JPEG",)) as picture:
            _check_size(picture)
            return Still(image=_to_bgr(picture), source=source)
    except (OSError, Pillow.DecompressionBombError, *DECODER_FAILURES) as error:
        raise ImageError(f"{source}: not a JPEG: {error}") from error


def find_pictures(paths: list[Path]) -> list[Path]:
    """The given files, and the pictures in the given folders and below, in sorted order.

    Pictures of unsupported formats are included, so that they are reported and not skipped.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = (
                item for item in path.rglob("*") if item.suffix.lower() in SUFFIXES | UNSUPPORTED
            )
            found += sorted(item for item in inside if not item.is_dir())
        else:
            found.append(path)
    return found


def _check_file(path: Path) -> None:
    """Refuse anything but a readable, non-empty, regular file; a pipe would block forever."""
    try:
        status = path.stat()
    except FileNotFoundError:
        raise ImageError("no such file") from None
    except (OSError, ValueError) as error:
        raise ImageError(f"cannot be read: {reason_of(error)}") from error
    if stat.S_ISDIR(status.st_mode):
        raise ImageError("not an image: it is a directory")
    if not stat.S_ISREG(status.st_mode):
        raise ImageError("not an image: it is not a regular file")
    if status.st_size == 0:
        raise ImageError("not an image: the file is empty")


def _decoded(path: Path) -> tuple[Image, dict[int, Any]]:
    """The pixels before rotation, and the EXIF fields."""
    with Pillow.open(path, formats=FORMATS) as picture:
        _check_size(picture)
        try:
            picture.load()
        except OSError:
            # The last bytes of a JPEG may be missing, or its end marker only.
            ended = _ended_jpeg(path) if picture.format in ("JPEG", "MPO") else None
            if ended is None:
                raise
            return _to_bgr(ended), _exif(ended)
        return _to_bgr(picture), _exif(picture)


def _ended_jpeg(path: Path) -> Pillow.Image | None:
    """A JPEG without its end, completed; None if more than its last few rows are missing.

    The file is decoded with two different continuations: rows that differ depend on missing data,
    and everything below the first of them is missing.
    """
    content = path.read_bytes().rstrip(b"\xff")  # of an end marker, or fill bytes before it
    if not content.startswith(JPEG_START):
        return None
    one, other = (_load(content + filler + JPEG_END) for filler in (b"", b"\x55" * 64))
    rows = (np.asarray(one) != np.asarray(other)).reshape(one.height, -1).any(axis=1)
    missing = one.height - int(np.argmax(rows)) if rows.any() else 0
    return one if missing <= min(one.height // 4, max(JPEG_ROWS_PX, one.height // 50)) else None


def _load(content: bytes) -> Pillow.Image:
    picture = Pillow.open(io.BytesIO(content), formats=("JPEG",))
    picture.load()
    return picture


def _unknown_format(path: Path) -> str:
    """The message for a file that no decoder knows."""
    with path.open("rb") as file:
        start = file.read(12)
    if path.suffix.lower() in UNSUPPORTED or (start[4:8] == b"ftyp" and start[8:] in HEIF_BRANDS):
        kind = path.suffix.lower().lstrip(".").upper()
        kind = kind if path.suffix.lower() in UNSUPPORTED else "HEIC or AVIF"
        return f"{kind} pictures are not supported: save it as JPEG or PNG"
    return "not an image: no known picture format"


def _check_size(picture: Pillow.Image) -> None:
    width, height = picture.size
    if width < 1 or height < 1:
        raise ImageError("not an image: it has no pixels")
    if width * height > MOST_MEGAPIXELS * 1_000_000:
        raise ImageError(
            f"too large: {width} x {height} is {width * height / 1e6:.0f} megapixels,"
            f" the limit is {MOST_MEGAPIXELS}"
        )


def _exif(picture: Pillow.Image) -> dict[int, Any]:
    """The main and the time fields of the EXIF data; empty if they are damaged."""
    try:
        main = picture.getexif()
        return {**main, **main.get_ifd(ExifTags.IFD.Exif)}
    except (OSError, *DECODER_FAILURES):
        return {}


def _to_bgr(picture: Pillow.Image) -> Image:
    if picture.mode in DEEP_MODES:
        grey = _to_eight_bits(np.asarray(picture))
        return cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR).astype(np.uint8, copy=False)
    if picture.mode != "RGB":
        if picture.has_transparency_data:
            layer = picture.convert("RGBA")
            picture = Pillow.new("RGBA", layer.size, "white")
            picture.alpha_composite(layer)
        picture = picture.convert("RGB")
    rgb = np.asarray(picture)
    return cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR).astype(np.uint8, copy=False)


def _to_eight_bits(deep: NDArray[Any]) -> Image:
    """Scale by the number of bits in use, so that 10- and 12-bit pictures are not nearly black."""
    values = np.nan_to_num(deep.astype(np.float32))
    brightest = float(values.max())
    top = 1.0
    while top < brightest:
        top *= 2.0
    eight: Image = np.clip(values * (255.0 / max(top - 1.0, 1.0)), 0, 255).astype(np.uint8)
    return eight


def _turn(pixels: Image, orientation: object) -> Image:
    """Apply EXIF orientation 2 to 8; any other value means upright."""
    turns = {3: cv2.ROTATE_180, 4: cv2.ROTATE_180, 5: cv2.ROTATE_90_CLOCKWISE}
    turns |= {6: cv2.ROTATE_90_CLOCKWISE, 7: cv2.ROTATE_90_COUNTERCLOCKWISE}
    turns[8] = cv2.ROTATE_90_COUNTERCLOCKWISE
    turned: Any = pixels
    if orientation in turns:
        turned = cv2.rotate(turned, turns[int(str(orientation))])
    if orientation in (2, 4, 5, 7):
        turned = cv2.flip(turned, 1)
    upright: Image = turned
    return upright


def _captured_at(path: Path, exif: dict[int, Any]) -> datetime | None:
    """The EXIF time of the picture, else the file's modification time."""
    taken = exif.get(ExifTags.Base.DateTimeOriginal)
    offset = exif.get(ExifTags.Base.OffsetTimeOriginal, "")
    try:
        if taken:
            stamp = f"{taken}{offset}" if offset else f"{taken}+00:00"
            return datetime.strptime(stamp, "%Y:%m:%d %H:%M:%S%z")
    except ValueError:
        pass
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except (OSError, ValueError, OverflowError):
        return None
