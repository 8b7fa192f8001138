# SPDX-License-Identifier: Apache-2.0
"""The trained detector's promises: corners in the still, a second look, several plates ranked."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import pytest

from plategate.errors import ImageError, ModelError
from plategate.records import PlateRegion
from plategate.vision.interpreter import Model
from plategate.vision.localize_tflite import Search, TfliteLocalizer, letterbox
from plategate.vision.plate_map import CORNER_UNIT, STRIDE, candidates, overlap

DEMO = Path(__file__).parents[1] / "data" / "demo"
ROWS, COLUMNS = 36, 48


def plate_map(*plates: tuple[float, float, float, float, float]) -> Any:
    """A map that says: plates at (x0, y0, x1, y1) in the network's input, this likely."""
    answer = np.zeros((ROWS, COLUMNS, 9), np.float32)
    answer[..., 0] = -9
    for x0, y0, x1, y1, likely in plates:
        column, row = int((x0 + x1) / 2 / STRIDE), int((y0 + y1) / 2 / STRIDE)
        middle = (np.array([column, row]) + 0.5) * STRIDE
        quad = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]) - middle
        answer[row, column] = [np.log(likely / (1 - likely)), *(quad / CORNER_UNIT).ravel()]
    return answer


class FakeModel:
    """Gives one prepared map after the other, and remembers what it was shown."""

    name = "fake"
    input_shape = (1, ROWS * STRIDE, COLUMNS * STRIDE, 3)

    def __init__(self, *maps: Any) -> None:
        self.maps = list(maps)
        self.shown: list[Any] = []

    def run(self, array: Any) -> list[Any]:
        self.shown.append(array.copy())
        return [self.maps.pop(0)[None]]


def localizer(*maps: Any, search: Search | None = None) -> tuple[TfliteLocalizer, FakeModel]:
    fake = FakeModel(*maps)
    return TfliteLocalizer(cast(Model, fake), search), fake


def still(width: int = 768, height: int = 576) -> Any:
    return np.random.default_rng(1).integers(0, 255, (height, width, 3), np.uint8)


@pytest.fixture(scope="module")
def shipped() -> TfliteLocalizer:
    return TfliteLocalizer.from_manifest()


def best(regions: list[PlateRegion]) -> Any:
    assert regions
    return np.array(regions[0].corners)


def test_ok__corners_are_in_pixels_of_the_still() -> None:
    found, _ = localizer(plate_map((100, 80, 180, 100, 0.9)))
    (region,) = found.localize(still())
    expected = [[200, 160], [360, 160], [360, 200], [200, 200]]
    np.testing.assert_allclose(region.corners, expected, atol=0.1)
    assert region.localizer == found.name == "tflite"
    assert region.confidence == pytest.approx(0.9, abs=1e-3)


def test_ok__a_sure_plate_of_good_size_is_looked_at_once() -> None:
    found, fake = localizer(plate_map((100, 80, 180, 100, 0.9)))
    found.localize(still())
    assert len(fake.shown) == 1


def test_ok__a_small_plate_is_looked_at_again_larger() -> None:
    closer = plate_map((150, 130, 246, 154, 0.8))
    search = Search(small_px=30, wanted_px=96)
    found, fake = localizer(plate_map((100, 80, 120, 85, 0.7)), closer, search=search)
    (region,) = found.localize(still())
    assert len(fake.shown) == 2
    # the window is 160 px wide, four plate widths, around (220, 165): each pixel becomes 2.4
    assert region.width == pytest.approx(96 / 2.4, rel=0.02)
    assert region.box[0] == pytest.approx(140 + 150 / 2.4, abs=1)
    assert region.confidence == pytest.approx(0.8, abs=1e-3)


def test_ok__a_doubtful_place_that_shows_nothing_closer_up_is_no_plate() -> None:
    without_parts = Search(parts=False)
    maps = plate_map((100, 80, 180, 100, 0.3)), plate_map()
    found, fake = localizer(*maps, search=without_parts)
    assert found.localize(still()) == []
    assert len(fake.shown) == 2


def test_ok__an_unlikely_place_beside_a_sure_plate_is_not_looked_at_again() -> None:
    found, fake = localizer(plate_map((20, 80, 100, 100, 0.9), (200, 80, 280, 100, 0.2)))
    assert len(found.localize(still())) == 1
    assert len(fake.shown) == 1


def test_ok__a_still_that_looks_empty_is_searched_in_parts() -> None:
    empty = plate_map()
    lower_right = plate_map((100, 80, 180, 100, 0.9))
    found, fake = localizer(empty, empty, empty, empty, lower_right)
    (region,) = found.localize(still())
    assert len(fake.shown) == 5
    assert region.box[0] > 768 * 0.42


def test_ok__several_plates_come_best_first() -> None:
    found, _ = localizer(plate_map((20, 80, 100, 100, 0.70), (200, 80, 280, 100, 0.95)))
    regions = found.localize(still())
    assert [round(region.confidence, 2) for region in regions] == [0.95, 0.7]


def test_ok__two_answers_for_one_plate_become_one() -> None:
    twice = plate_map((100, 80, 180, 100, 0.9), (104, 64, 184, 96, 0.8))
    assert len(candidates(twice, 0.1)) == 1


def test_ok__corners_are_clipped_to_the_still() -> None:
    found, _ = localizer(plate_map((-20, 270, 100, 300, 0.9)))
    (region,) = found.localize(still())
    assert region.box[0] == 0
    assert region.box[3] <= 576


def test_ok__twisted_corners_become_the_box_around_them() -> None:
    twisted = plate_map((100, 80, 180, 100, 0.9))
    row, column = np.argwhere(twisted[..., 0] > 0)[0]
    twisted[row, column, 1:] = twisted[row, column, 1:].reshape(4, 2)[[1, 0, 2, 3]].ravel()
    found, _ = localizer(twisted)
    (region,) = found.localize(still())
    expected = [[200, 160], [360, 160], [360, 200], [200, 200]]
    np.testing.assert_allclose(region.corners, expected, atol=0.1)


def test_fail__what_is_no_picture_is_refused() -> None:
    found, _ = localizer()
    with pytest.raises(ImageError, match="8 bits"):
        found.localize(np.zeros((20, 20), np.uint8))
    with pytest.raises(ImageError, match="8 bits"):
        found.localize(np.zeros((20, 20, 3), np.float32))  # type: ignore[arg-type]


def test_fail__a_missing_detector_is_a_model_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        TfliteLocalizer.from_manifest(tmp_path)


@pytest.mark.parametrize("size", [(1, 1), (2, 900), (900, 3), (40, 30), (5000, 40)])
def test_ok__odd_sizes_pass(shipped: TfliteLocalizer, size: tuple[int, int]) -> None:
    assert isinstance(shipped.localize(still(*size)), list)


@pytest.mark.parametrize("size", [(384, 288), (1280, 720), (300, 900), (3000, 2001)])
def test_ok__letterboxing_keeps_the_shape(size: tuple[int, int]) -> None:
    canvas, scale = letterbox(still(*size), 384, 288)
    assert canvas.shape == (288, 384, 3)
    assert scale == pytest.approx(min(384 / size[0], 288 / size[1]))
    inside = round(size[1] * scale), round(size[0] * scale)
    assert (canvas[inside[0] :] == 114).all()
    assert (canvas[:, inside[1] :] == 114).all()


def test_ok__overlap_counts_a_plate_within_a_plate() -> None:
    assert overlap((0, 0, 10, 10), (0, 0, 10, 10)) == pytest.approx(1)
    assert overlap((0, 0, 10, 10), (2, 2, 6, 6)) > 0.6
    assert overlap((0, 0, 10, 10), (10, 0, 20, 10)) == 0


def test_ok__the_shipped_detector_finds_the_plate_of_a_photograph(
    shipped: TfliteLocalizer,
) -> None:
    image = cv2.imread(str(DEMO / "01-day-1.jpg"))
    before = image.copy()
    corners = best(shipped.localize(image))
    assert (image == before).all()
    top, right, bottom = corners[1] - corners[0], corners[2] - corners[1], corners[3] - corners[2]
    assert top[0] > 0
    assert right[1] > 0
    assert bottom[0] < 0
    assert 2.5 < np.linalg.norm(top) / np.linalg.norm(right) < 6


@pytest.mark.parametrize(("dx", "dy"), [(-40, 0), (0, 32), (-90, 56)])
def test_ok__the_region_follows_the_plate(shipped: TfliteLocalizer, dx: int, dy: int) -> None:
    image = cv2.imread(str(DEMO / "01-day-1.jpg"))
    shift = np.array([[1, 0, dx], [0, 1, dy]], np.float32)
    moved = cv2.warpAffine(image, shift, image.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
    corners = best(shipped.localize(image))
    height = np.linalg.norm(corners[3] - corners[0])
    error = best(shipped.localize(moved)) - corners - [dx, dy]
    assert np.linalg.norm(error, axis=1).max() < 0.35 * height


def test_ok__a_closer_look_shows_a_small_plate_larger_and_gives_its_corners_anew() -> None:
    known = PlateRegion(((300, 200), (360, 200), (360, 220), (300, 220)), 0.5, "tflite")
    seen = plate_map((127, 117, 257, 171, 0.8))
    found, fake = localizer(seen)
    region = found.look_closer(still(), known)
    assert region is not None and region.confidence == pytest.approx(0.8, abs=1e-3)
    # A plate of 60 px is shown 130 px wide: in a window of 177 px, with the plate in its middle.
    assert region.width == pytest.approx(130 * 177 / 384, abs=1)
    assert np.array(region.corners).mean(0) == pytest.approx([330, 210], abs=2)
    assert len(fake.shown) == 1


def test_ok__a_closer_look_at_another_plate_counts_for_nothing() -> None:
    known = PlateRegion(((300, 200), (360, 200), (360, 220), (300, 220)), 0.5, "tflite")
    found, _ = localizer(plate_map((10, 10, 90, 40, 0.9)))
    assert found.look_closer(still(), known) is None


def test_ok__a_large_plate_is_not_looked_at_closer() -> None:
    found, fake = localizer()
    large = PlateRegion(((300, 200), (490, 200), (490, 250), (300, 250)), 0.5, "tflite")
    assert found.look_closer(still(), large) is None
    assert fake.shown == []
