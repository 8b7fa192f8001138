# SPDX-License-Identifier: Apache-2.0
"""Decoding: every picture file becomes upright 8-bit BGR or raises one clear ImageError."""

from __future__ import annotations

import io
import os
import struct
import zlib
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, ImageOps
from PIL import Image as Pillow

from plategate.errors import ImageError
from plategate.vision.images import find_pictures, load_still

RAMP = np.tile(np.linspace(0, 1, 40), (24, 1))


def as_bgr(picture: Pillow.Image) -> np.ndarray:
    return np.asarray(picture.convert("RGB"))[..., ::-1]


def test_ok__bgr_order(tmp_path: Path) -> None:
    Pillow.new("RGB", (9, 7), (250, 120, 10)).save(tmp_path / "a.png")
    image = load_still(tmp_path / "a.png").image
    assert image.shape == (7, 9, 3)
    assert image.dtype == np.uint8
    assert image[3, 3].tolist() == [10, 120, 250]


@pytest.mark.parametrize(
    ("name", "picture"),
    [
        ("grey.png", Pillow.fromarray((RAMP * 255).astype(np.uint8))),
        ("grey16.png", Pillow.fromarray((RAMP * 65535).astype(np.uint16))),
        ("grey10.png", Pillow.fromarray((RAMP * 1023).astype(np.uint16))),
        ("grey32.tif", Pillow.fromarray((RAMP * (2**20 - 1)).astype(np.int32))),
        ("float.tif", Pillow.fromarray(RAMP.astype(np.float32))),
        ("cmyk.jpg", Pillow.fromarray((RAMP * 255).astype(np.uint8)).convert("CMYK")),
        ("cmyk.tif", Pillow.fromarray((RAMP * 255).astype(np.uint8)).convert("CMYK")),
        ("alpha.png", Pillow.fromarray((RAMP * 255).astype(np.uint8)).convert("RGBA")),
        ("grey-alpha.png", Pillow.fromarray((RAMP * 255).astype(np.uint8)).convert("LA")),
        ("palette.gif", Pillow.fromarray((RAMP * 255).astype(np.uint8)).convert("P")),
        ("web.webp", Pillow.fromarray((RAMP * 255).astype(np.uint8)).convert("RGB")),
        ("bits.bmp", Pillow.fromarray((RAMP * 255).astype(np.uint8))),
        ("portable.pgm", Pillow.fromarray((RAMP * 255).astype(np.uint8))),
        ("wavelet.jp2", Pillow.fromarray((RAMP * 255).astype(np.uint8))),
    ],
)
def test_ok__every_pixel_format_keeps_its_brightness(
    tmp_path: Path, name: str, picture: Pillow.Image
) -> None:
    picture.save(tmp_path / name)
    image = load_still(tmp_path / name).image.astype(int)
    assert image.shape == (24, 40, 3)
    assert np.abs(image - RAMP[..., None] * 255).mean() < 8


def test_ok__black_and_white_only(tmp_path: Path) -> None:
    Pillow.fromarray(RAMP > 0.5).save(tmp_path / "a.png")
    image = load_still(tmp_path / "a.png").image
    assert image[0, 0].tolist() == [0, 0, 0]
    assert image[0, 39].tolist() == [255, 255, 255]


def test_ok__transparency_becomes_white(tmp_path: Path) -> None:
    Pillow.new("RGBA", (8, 8), (0, 0, 0, 0)).save(tmp_path / "a.png")
    assert load_still(tmp_path / "a.png").image.min() == 255


@pytest.mark.parametrize("orientation", range(1, 9))
def test_ok__exif_orientation_is_applied(tmp_path: Path, orientation: int) -> None:
    pixels = np.zeros((16, 32, 3), np.uint8)
    pixels[:8, :8], pixels[8:, 24:] = (255, 0, 0), (0, 0, 255)
    exif = Pillow.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    file = tmp_path / "a.png"
    Pillow.fromarray(pixels).save(file, exif=exif)
    with Pillow.open(file) as picture:
        wanted = as_bgr(ImageOps.exif_transpose(picture))
    assert np.array_equal(load_still(file).image, wanted)


def test_ok__damaged_exif_is_ignored(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    Pillow.new("RGB", (16, 8)).save(file, exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xffgarbage")
    assert load_still(file).image.shape == (8, 16, 3)


def test_ok__capture_time_from_exif(tmp_path: Path) -> None:
    exif = Pillow.Exif()
    inner = exif.get_ifd(ExifTags.IFD.Exif)
    inner[ExifTags.Base.DateTimeOriginal] = "2026:03:04 05:06:07"
    inner[ExifTags.Base.OffsetTimeOriginal] = "+02:00"
    Pillow.new("RGB", (16, 8)).save(tmp_path / "a.jpg", exif=exif)
    taken = datetime(2026, 3, 4, 5, 6, 7, tzinfo=timezone(timedelta(hours=2)))
    assert load_still(tmp_path / "a.jpg").captured_at == taken


def test_ok__capture_time_from_the_file_without_exif(tmp_path: Path) -> None:
    Pillow.new("RGB", (16, 8)).save(tmp_path / "a.jpg")
    os.utime(tmp_path / "a.jpg", (86400, 86400))
    assert load_still(tmp_path / "a.jpg").captured_at == datetime(1970, 1, 2, tzinfo=UTC)


def header_only_png(width: int, height: int) -> bytes:
    """A PNG with a size in its header and no pixels."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    return b"\x89PNG\r\n\x1a\n" + chunk + b"\x00\x00\x00\x00IEND\xaeB\x60\x82"


@pytest.mark.parametrize("side", [10_001, 50_000, 2**31 - 1])
def test_fail__too_large_is_refused_by_the_header(tmp_path: Path, side: int) -> None:
    (tmp_path / "a.png").write_bytes(header_only_png(side, side))
    with pytest.raises(ImageError, match="megapixels"):
        load_still(tmp_path / "a.png")


def test_fail__header_without_pixels(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(header_only_png(100, 100))
    with pytest.raises(ImageError):
        load_still(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "empty"),
        (b"plate,holder\nAB12CDE,Ann\n", "not an image"),
        (b"\xff\xd8\xff\xe0", "."),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not an image"),
    ],
)
def test_fail__no_picture(tmp_path: Path, content: bytes, sentence: str) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(ImageError, match=sentence):
        load_still(tmp_path / "a.jpg")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "GIF", "JPEG2000"])
def test_fail__truncated(tmp_path: Path, kind: str) -> None:
    random = np.random.default_rng(1).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Pillow.fromarray(random).save(buffer, kind)
    (tmp_path / "a").write_bytes(buffer.getvalue()[: buffer.tell() // 2])
    with pytest.raises(ImageError):
        load_still(tmp_path / "a")


def test_fail__missing(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no such file"):
        load_still(tmp_path / "a.jpg")


def test_fail__directory(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="directory"):
        load_still(tmp_path)


def test_fail__pipe_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jpg")
    with pytest.raises(ImageError, match="regular file"):
        load_still(tmp_path / "a.jpg")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_fail__not_permitted(tmp_path: Path) -> None:
    Pillow.new("RGB", (8, 8)).save(tmp_path / "a.png")
    (tmp_path / "a.png").chmod(0)
    with pytest.raises(ImageError, match="Permission denied"):
        load_still(tmp_path / "a.png")


def encoded(kind: str) -> bytes:
    buffer = io.BytesIO()
    Pillow.fromarray((RAMP * 255).astype(np.uint8)).convert("RGB").save(buffer, kind)
    return buffer.getvalue()


SEEDS = {kind: encoded(kind) for kind in ("JPEG", "PNG", "BMP", "TIFF", "GIF", "WEBP", "PPM")}


@given(
    kind=st.sampled_from(sorted(SEEDS)),
    changes=st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), max_size=8),
)
def test_ok__damage_raises_nothing_but_image_error(
    tmp_path_factory: pytest.TempPathFactory, kind: str, changes: list[tuple[int, int]]
) -> None:
    content = bytearray(SEEDS[kind])
    for place, value in changes:
        content[place % len(content)] = value
    file = tmp_path_factory.mktemp("damaged") / "a"
    file.write_bytes(content)
    try:
        image = load_still(file).image
    except ImageError as error:
        assert str(error)
    else:
        assert image.ndim == 3
        assert image.dtype == np.uint8


def test_ok__folders_are_walked_in_sorted_order(tmp_path: Path) -> None:
    for name in ("b.jpg", "a.PNG", "sub/c.webp", "note.txt", "sub/deep/d.tif"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = find_pictures([tmp_path / "note.txt", tmp_path])
    names = [str(path.relative_to(tmp_path)) for path in found]
    assert names == ["note.txt", "a.PNG", "b.jpg", "sub/c.webp", "sub/deep/d.tif"]


def photograph(kind: str, **options: object) -> bytes:
    """A smooth picture of 400 x 600 as a file."""
    rows, columns = np.mgrid[0:400, 0:600]
    pixels = np.stack([rows % 256, columns % 256, (rows + columns) % 256], axis=2)
    buffer = io.BytesIO()
    Pillow.fromarray(pixels.astype(np.uint8)).save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("end", [b"", b"\xff", b"\x00\x00", b"\x00" * 500])
def test_ok__jpeg_without_its_end_marker(tmp_path: Path, progressive: bool, end: bytes) -> None:
    whole = photograph("JPEG", progressive=progressive)
    (tmp_path / "whole.jpg").write_bytes(whole)
    (tmp_path / "cut.jpg").write_bytes(whole[:-2] + end)
    images = [load_still(tmp_path / name).image for name in ("whole.jpg", "cut.jpg")]
    assert np.array_equal(*images)


def test_ok__jpeg_without_its_last_bytes_lacks_only_its_last_rows(tmp_path: Path) -> None:
    whole = photograph("JPEG")
    (tmp_path / "whole.jpg").write_bytes(whole)
    (tmp_path / "cut.jpg").write_bytes(whole[:-12])
    full, cut = (load_still(tmp_path / name).image for name in ("whole.jpg", "cut.jpg"))
    assert np.array_equal(full[:-32], cut[:-32])


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("progressive", [False, True])
def test_fail__jpeg_with_missing_rows(tmp_path: Path, share: float, progressive: bool) -> None:
    whole = photograph("JPEG", progressive=progressive)
    (tmp_path / "cut.jpg").write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ImageError, match="truncated"):
        load_still(tmp_path / "cut.jpg")


@pytest.mark.parametrize("name", ["a.HEIC", "a.heif", "a.avif", "a.jpg"])
def test_fail__unsupported_format_is_named_with_advice(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(200))
    assert find_pictures([tmp_path]) == [tmp_path / name]
    with pytest.raises(ImageError, match="not supported: save it as JPEG or PNG"):
        load_still(tmp_path / name)


def test_ok__jfif_is_a_jpeg(tmp_path: Path) -> None:
    (tmp_path / "a.jfif").write_bytes(photograph("JPEG"))
    assert find_pictures([tmp_path]) == [tmp_path / "a.jfif"]
    assert load_still(tmp_path / "a.jfif").image.shape == (400, 600, 3)
