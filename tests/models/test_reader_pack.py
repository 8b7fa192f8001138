# SPDX-License-Identifier: Apache-2.0
"""Guards: crops come out of the packed file with box, corners and borders where they were."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

BOX = np.array([60, 40, 260, 100], np.float32)
QUAD = np.array([[62, 44], [258, 40], [260, 96], [60, 100]], np.float32)


@pytest.fixture
def pack(reader_part):
    return reader_part("pack")


@pytest.fixture
def makers(reader_part):
    return reader_part("makers")


def crop(pack, height: int = 160, edges: tuple[int, ...] = (80, 120, 160, 240)):
    """A white plate on black; `samples.Crop` is the class of the module under test."""
    image = np.zeros((height, 340), np.uint8)
    image[40:100, 60:260] = 255
    lines = (np.array(edges, np.int32),) if edges else ()
    return pack.Crop(image, BOX, "ABC", False, "set", lines, QUAD)


def test_trimming_keeps_the_plate_under_its_box_and_corners(pack) -> None:
    whole = crop(pack)
    colour = np.repeat(whole.image[..., None], 3, axis=2)
    small, moved = pack.trimmed(whole, colour)
    x0, y0, x1, y1 = np.rint(moved.box).astype(int)
    assert small[y0 + 1 : y1 - 1, x0 + 1 : x1 - 1].min() > 250
    assert small[: y0 - 1].max() < 5
    assert small[:, : x0 - 1].max() < 5
    assert moved.quad - moved.box[:2] == pytest.approx(QUAD - BOX[:2], abs=1.0)
    assert moved.edges[0] - moved.box[0] == pytest.approx(np.array([20, 60, 100, 180]), abs=1.5)


def test_large_plates_are_shrunk_with_everything_that_lies_on_them(pack) -> None:
    whole = crop(pack)
    big = pack.replace(
        whole,
        image=cv2.resize(whole.image, None, fx=3, fy=3, interpolation=cv2.INTER_NEAREST),
        box=BOX * 3,
        quad=QUAD * 3,
        edges=(whole.edges[0] * 3,),
    )
    _, moved = pack.trimmed(big, np.repeat(big.image[..., None], 3, axis=2))
    scale = pack.PLATE_HEIGHT / (3 * (BOX[3] - BOX[1]))
    assert moved.box[3] - moved.box[1] == pytest.approx(pack.PLATE_HEIGHT)
    assert np.diff(moved.edges[0]) == pytest.approx(np.diff(big.edges[0]) * scale, abs=1.0)


def test_borders_that_no_longer_part_characters_are_dropped(pack) -> None:
    whole = crop(pack, edges=(80, 120, 121, 240))
    _, moved = pack.trimmed(whole, np.repeat(whole.image[..., None], 3, axis=2))
    assert moved.edges == ()


def test_packed_pictures_come_out_in_their_order(pack) -> None:
    patches = [np.full((30, 60 + 8 * at), 40 + 60 * at, np.uint8) for at in range(3)]
    again = pack.pictures_of(pack._pack_pictures("empty", patches, 48, 0), "empty")
    assert [one.shape for one in again] == [one.shape for one in patches]
    assert [round(float(one.mean()) / 20) for one in again] == [2, 5, 8]


def test_texts_become_classes_with_the_blank_behind_them(makers) -> None:
    classes, lengths = makers.classes_of(["09AZ", "", "ABCDEFGHIJKLMNOPQR"])
    assert classes[0, :5].tolist() == [1, 10, 11, 36, 0]
    assert lengths.tolist() == [4, 0, makers.MOST_CHARACTERS]


def test_a_chunk_has_every_picture_at_one_size_and_boxes_in_its_own_pixels(makers, pack) -> None:
    chunk = makers.chunk_of("real", [crop(pack), makers.without_plate(np.zeros((40, 90)), "empty")])
    assert chunk.pictures.shape == (2, makers.KEPT_HEIGHT, makers.KEPT_WIDTH)
    assert chunk.shapes.tolist() == [[160, 340], [40, 90]]
    assert chunk.boxes[0].tolist() == BOX.tolist()
    assert np.isnan(chunk.quads[1]).all()
    assert chunk.texts == ["ABC", ""]
