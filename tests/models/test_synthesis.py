# SPDX-License-Identifier: Apache-2.0
"""The plate synthesis: layouts that can be read, texts that fit the patterns, repeatable drawing.

Layouts and grammar need nothing but numpy; drawing is tested where the fonts have been fetched.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
import tomllib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

TRAINING = Path(__file__).resolve().parents[2] / "models/training"
sys.path.insert(0, str(TRAINING))

from synthesis import grammar  # noqa: E402
from synthesis.degrade import degrade, jpeg, low_resolution, motion_blur  # noqa: E402
from synthesis.fonts import MissingFontsError, copy_debian_fonts, fonts_by_class  # noqa: E402
from synthesis.plates import render_plate  # noqa: E402
from synthesis.wear import place  # noqa: E402


def have_fonts() -> bool:
    """Whether there are fonts: in the cache, or those of Debian, which are copied for the tests."""
    try:
        return bool(fonts_by_class())
    except MissingFontsError:
        folder = Path(tempfile.mkdtemp(prefix="plategate-fonts-"))
        atexit.register(shutil.rmtree, folder)
        copy_debian_fonts(folder)
        os.environ["PLATEGATE_FONTS"] = str(folder)
        return any(folder.iterdir())


needs_fonts = pytest.mark.skipif(not have_fonts(), reason="fonts of Debian are not installed")


def test_ok__at_least_25_countries_and_two_line_layouts() -> None:
    styles, shares = grammar.load_styles()
    assert len({style.country for style in styles}) >= 25
    assert sum(shares) == pytest.approx(1.0)
    two_line = sum(
        share
        for style, share in zip(styles, shares, strict=True)
        if any("|" in pattern for pattern in style.patterns)
    )
    assert 0.15 < two_line < 0.4


@pytest.mark.parametrize("path", sorted(grammar.LAYOUTS.glob("*.toml")), ids=lambda path: path.stem)
def test_ok__layout_file_draws_readable_registrations(path: Path) -> None:
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    styles = [style for style in grammar.load_styles()[0] if style.country == table["code"]]
    assert styles
    rng = np.random.default_rng(1)
    for style in styles:
        for _ in range(40):
            text = grammar.registration(grammar.draw_lines(style, rng))
            assert 1 <= len(text) <= 12
            assert set(text) <= set(grammar.LETTERS + grammar.DIGITS)


def test_ok__font_classes_of_layouts_exist() -> None:
    table = tomllib.loads((grammar.LAYOUTS.parent / "fonts.toml").read_text(encoding="utf-8"))
    entries = [*table["debian"], *table["npm"]]
    known = {label for entry in entries for labels in entry["files"].values() for label in labels}
    used = {label for style in grammar.load_styles()[0] for label in style.fonts}
    assert used <= known | {"any"}
    assert all(entry["licence"] for entry in entries)


def test_ok__small_texts_are_not_part_of_the_registration() -> None:
    line = [grammar.Mark("char", "L"), grammar.Mark("small", "-12"), grammar.Mark("raised", "7")]
    assert grammar.registration([line, [grammar.Mark("char", "9")]]) == "L79"


def test_ok__bars_are_more_frequent_at_the_ends() -> None:
    rng = np.random.default_rng(5)
    style = next(style for style in grammar.load_styles()[0] if style.country == "RO")
    drawn = (grammar.registration(grammar.draw_lines(style, rng)) for _ in range(2000))
    ends = Counter(text[-1] for text in drawn)
    assert ends["I"] > 2000 * 0.07


@needs_fonts
def test_ok__same_seed_draws_the_same_plate() -> None:
    one, two = (render_plate(np.random.default_rng(11)) for _ in range(2))
    assert one.text == two.text
    assert np.array_equal(one.image, two.image)


@needs_fonts
def test_ok__plates_have_the_documented_size() -> None:
    rng = np.random.default_rng(3)
    for _ in range(30):
        plate = render_plate(rng)
        assert plate.image.dtype == np.uint8 and plate.image.shape[2] == 3
        assert 100 <= plate.image.shape[0] <= 160
        assert plate.image.shape[1] > plate.image.shape[0]
        assert plate.image.std() > 8


@needs_fonts
def test_ok__placed_plate_lies_in_its_box() -> None:
    rng = np.random.default_rng(6)
    for _ in range(10):
        placed = place(render_plate(rng), [], rng)
        x0, y0, x1, y1 = placed.box
        assert 0 < x0 < x1 < placed.image.shape[1]
        assert 0 < y0 < y1 < placed.image.shape[0]


@pytest.mark.parametrize("shape", [(14, 50), (48, 160), (90, 120, 3)])
def test_ok__faults_keep_shape_and_type(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(8)
    crop = rng.integers(0, 256, shape).astype(np.uint8)
    for _ in range(60):
        degraded = degrade(crop, rng)
        assert degraded.shape == crop.shape and degraded.dtype == np.uint8
    assert low_resolution(crop, 12).shape == crop.shape
    assert jpeg(crop, 20).shape == crop.shape


def test_ok__motion_blur_smears_along_its_direction_only() -> None:
    image = np.zeros((31, 31), np.uint8)
    image[15, 15] = 255
    smeared = motion_blur(image, 9, 0.0)
    assert np.count_nonzero(smeared[15]) >= 7
    assert np.count_nonzero(smeared.sum(axis=1)) <= 3
