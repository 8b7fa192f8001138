# SPDX-License-Identifier: Apache-2.0
"""Guards: a plate with replaced characters shows those of its text, and its box fits.

Training code, so that a broken one is not noticed only as a worse reader.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

HEIGHT, TOP, BOTTOM = 60, 10, 50
PAPER, INK = 220, 30
WIDTHS = {"A": 16, "B": 20, "1": 8, "2": 18, "I": 8}


@dataclass(frozen=True)
class Plate:
    """The fields of a crop that the code under test uses."""

    image: npt.NDArray[np.uint8]
    box: npt.NDArray[np.float32]
    text: str
    source: str
    edges: tuple[npt.NDArray[np.int32], ...]
    two_line: bool = False
    quad: npt.NDArray[np.float32] | None = None


def plate(text: str, source: str = "one", light: int = 0) -> Plate:
    """Every character is a bar with its own thickness, centred in a cell of its own width."""
    edges = np.cumsum([12, *(WIDTHS[character] for character in text)]).astype(np.int32)
    image = np.full((HEIGHT, int(edges[-1]) + 12), 90, np.uint8)
    image[TOP:BOTTOM, 6:-6] = PAPER + light
    for at, character in enumerate(text):
        middle, half = (edges[at] + edges[at + 1]) // 2, WIDTHS[character] // 4
        image[TOP + 5 : BOTTOM - 5, middle - half : middle + half] = INK + light
    box = np.array([6, TOP, image.shape[1] - 6, BOTTOM], np.float32)
    return Plate(image, box, text, source, (edges,))


@pytest.fixture
def transplant(reader_part):
    return reader_part("transplant")


@pytest.fixture
def donors(transplant):
    return transplant.Donors([plate("AB12"), plate("BAI21", light=20), plate("22", source="two")])


def bars(image: npt.NDArray[np.uint8]) -> list[int]:
    """Thickness of each dark bar on the paper, from the left."""
    row = image[HEIGHT // 2, 8:-8].astype(int) < (PAPER + INK) // 2
    borders = np.flatnonzero(np.diff(np.concatenate([[0], row.astype(int), [0]])))
    return (borders[1::2] - borders[::2]).tolist()


def test_ok__the_picture_shows_the_characters_of_the_text(donors) -> None:
    before = plate("AB12")
    texts = set()
    for seed in range(30):
        after = donors.replace_characters(before, np.random.default_rng(seed))
        texts.add(after.text)
        assert len(after.text) == 4
        wanted = [WIDTHS[character] // 4 * 2 for character in after.text]
        assert np.allclose(bars(after.image), wanted, atol=1)
        # The rim of the plate stays 6 px from the edge of the picture, wherever the paper ends.
        assert after.box[0] == 6
        assert after.box[2] == after.image.shape[1] - 6
    assert len(texts) > 10
    assert np.array_equal(before.image, plate("AB12").image)


def test_ok__a_character_without_contrast_is_no_error(donors) -> None:
    faded = plate("AB1I")
    for crop in (faded, plate("AB12", light=20)):
        left = int(crop.edges[0][-2])
        crop.image[:, left : int(crop.edges[0][-1])] = PAPER
    from reader.transplant import Donors

    donors = Donors([faded])
    for seed in range(60):
        assert len(donors.replace_characters(faded, np.random.default_rng(seed)).text) == 4


def test_ok__only_characters_of_the_same_set(donors) -> None:
    texts = {
        donors.replace_characters(plate("22", "two"), np.random.default_rng(at)).text
        for at in range(20)
    }
    assert texts == {"22"}


def test_ok__a_plate_without_known_borders_is_unchanged(donors) -> None:
    before = plate("AB12")
    unknown = Plate(before.image, before.box, before.text, before.source, ())
    assert donors.replace_characters(unknown, np.random.default_rng(1)) is unknown


def test_ok__every_mixture_gets_the_borders_of_its_plate_unless_tilted(
    transplant, tmp_path: Path
) -> None:
    known = {"0.0": np.array([1, 5], np.int32), "1.0": np.array([2, 9], np.int32)}
    np.savez(tmp_path / "edges.npz", **known)
    level, tilted = plate("AB12AB"), plate("AB")
    crops = [replace(level, edges=()), replace(tilted, edges=())]
    mixed = [crop for crop in crops for _ in range(2)]
    found = transplant.with_edges(mixed, tmp_path / "edges.npz", mixes=2)
    assert [[line.tolist() for line in crop.edges] for crop in found] == [
        [[1, 5]],
        [[1, 5]],
        [],
        [],
    ]
    assert all(crop.edges == () for crop in mixed)
