# SPDX-License-Identifier: Apache-2.0
"""The TFLite localizer: refined candidates, search in parts, corners, ranking."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import pytest

from plategate.errors import ImageError, ModelError
from plategate.values import PlateRegion
from plategate.vision.interpreter import Model
from plategate.vision.localize.detector import Detector
from plategate.vision.localize.refiner import RefinedPlate, Refiner
from plategate.vision.localize.tflite import Search, TfliteLocalizer

from .plate_maps import FakeModel, plate_map

MODELS = Path(__file__).parents[3] / "models"
DEMO = Path(__file__).parents[2] / "data" / "demo"
SHIFT = np.float32([2, 1])  # offset of the refiner's corners from the detector's


class FakeRefiner:
    """Returns prepared probabilities, then 0.9, with the corners moved by SHIFT."""

    def __init__(self, *likely: float) -> None:
        self.likely = list(likely)
        self.asked: list[tuple[float, ...]] = []

    def refine(self, _image: Any, box: tuple[float, ...]) -> RefinedPlate:
        self.asked.append(box)
        x0, y0, x1, y1 = box
        corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)
        return RefinedPlate(self.likely.pop(0) if self.likely else 0.9, corners + SHIFT)


def localizer(
    *maps: Any, search: Search | None = None, near: tuple[float, ...] = ()
) -> tuple[TfliteLocalizer, FakeModel, FakeRefiner]:
    fake, refiner = FakeModel(*maps), FakeRefiner(*near)
    detector = Detector(lambda: cast(Model, fake))
    return TfliteLocalizer(detector, cast(Refiner, refiner), search), fake, refiner


def still(width: int = 768, height: int = 576) -> Any:
    return np.random.default_rng(1).integers(0, 255, (height, width, 3), np.uint8)


@pytest.fixture(scope="module")
def shipped() -> TfliteLocalizer:
    return TfliteLocalizer.from_manifest()


def best(regions: list[PlateRegion]) -> Any:
    assert regions
    return np.array(regions[0].corners)


def test_ok__a_region_has_the_refined_corners_in_pixels_of_the_still() -> None:
    found, _, _ = localizer(plate_map((100, 80, 180, 100, 0.9)))
    (region,) = found.localize(still())
    expected = [[202, 161], [362, 161], [362, 201], [202, 201]]
    np.testing.assert_allclose(region.corners, expected, atol=0.1)
    assert region.localizer == found.name == "tflite"
    assert region.confidence == pytest.approx(0.9, abs=1e-3)


def test_ok__a_region_has_the_combined_probability_of_both_networks() -> None:
    search = Search(trust=0.5)
    found, fake, refiner = localizer(
        plate_map((100, 80, 180, 100, 0.9)), near=(0.4,), search=search
    )
    (region,) = found.localize(still())
    assert region.confidence == pytest.approx(0.6, abs=1e-3)
    assert len(fake.shown) == 1
    np.testing.assert_allclose(refiner.asked, [(200, 160, 360, 200)], atol=0.1)


def test_ok__a_candidate_that_the_refiner_rejects_is_not_reported() -> None:
    doubted = plate_map((100, 80, 180, 100, 0.9))
    found, _, refiner = localizer(doubted, search=Search(parts=False), near=(0.01,))
    assert found.localize(still()) == []
    assert len(refiner.asked) == 1


def test_ok__a_weak_candidate_that_the_refiner_accepts_is_reported() -> None:
    unlikely = plate_map((100, 80, 180, 100, 0.2))
    found, _, _ = localizer(unlikely, near=(0.95,), search=Search(parts=False))
    assert len(found.localize(still())) == 1


def test_ok__only_the_most_likely_candidates_are_refined() -> None:
    places = [(20.0 + 70 * i, 80.0, 80.0 + 70 * i, 95.0, 0.5 + 0.1 * i) for i in range(4)]
    found, _, refiner = localizer(plate_map(*places), search=Search(most=2))
    found.localize(still())
    assert sorted(round(box[0] / 2) for box in refiner.asked) == [160, 230]


def test_ok__a_candidate_far_below_the_best_is_not_refined() -> None:
    found, _, refiner = localizer(plate_map((20, 80, 100, 100, 0.9), (200, 80, 280, 100, 0.2)))
    assert len(found.localize(still())) == 1
    assert len(refiner.asked) == 1


def test_ok__a_sure_plate_of_a_coarse_pass_is_enough_where_one_is_wanted() -> None:
    found, fake, _ = localizer(plate_map((50, 40, 90, 50, 0.8)))
    (region,) = found.localize(still(), False)
    expected = [[202, 161], [362, 161], [362, 201], [202, 201]]
    np.testing.assert_allclose(region.corners, expected, atol=0.1)
    assert [canvas.shape[1:3] for canvas in fake.shown] == [(160, 192)]


@pytest.mark.parametrize(("likely", "near"), [(0.8, (0.2, 0.9, 0.9)), (0.4, (0.9, 0.9))])
def test_ok__a_doubtful_coarse_pass_is_followed_by_the_whole_search(
    likely: float, near: tuple[float, ...]
) -> None:
    coarse = plate_map((50, 40, 90, 50, likely))
    whole = plate_map((100, 80, 180, 100, 0.9), (200, 80, 280, 100, 0.8))
    found, fake, refiner = localizer(coarse, whole, near=near)
    assert len(found.localize(still(), False)) == 2
    assert len(fake.shown) == 2
    assert len(refiner.asked) == len(near)


def test_ok__a_candidate_that_moved_is_refined_once_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found, _, refiner = localizer(plate_map((100, 80, 180, 100, 0.9)))
    asked: list[tuple[float, ...]] = []

    def refine(_image: Any, box: tuple[float, ...]) -> RefinedPlate:
        asked.append(box)
        x0, y0, x1, y1 = box
        quad = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], np.float32)
        return RefinedPlate(0.9, quad + np.array([80, 10], np.float32))

    monkeypatch.setattr(refiner, "refine", refine)
    (region,) = found.localize(still())
    np.testing.assert_allclose(asked, [(200, 160, 360, 200), (280, 170, 440, 210)], atol=0.1)
    assert region.box[0] == pytest.approx(360, abs=0.1)


def test_ok__a_region_keeps_the_corners_that_the_detector_proposed() -> None:
    found, _, _ = localizer(plate_map((100, 80, 180, 100, 0.9)))
    (region,) = found.localize(still())
    assert region.proposed is not None
    expected = [[200, 160], [360, 160], [360, 200], [200, 200]]
    np.testing.assert_allclose(region.proposed, expected, atol=0.1)
    nearer = found.close_up(still(), region)
    assert nearer is not None
    assert nearer.proposed == region.proposed


def test_ok__a_still_without_a_confident_plate_is_also_searched_in_parts() -> None:
    empty, unsure = plate_map(), plate_map((20, 80, 100, 100, 0.4))
    lower_right = plate_map((200, 180, 280, 200, 0.9))
    found, fake, _ = localizer(unsure, empty, empty, empty, lower_right, near=(0.4, 0.9))
    sure, doubted = found.localize(still())
    assert len(fake.shown) == 5
    assert sure.confidence > 0.8
    assert doubted.box[0] == pytest.approx(42, abs=0.1)


def test_ok__a_still_without_candidates_is_empty_and_costs_one_pass() -> None:
    found, fake, refiner = localizer(plate_map())
    assert found.localize(still()) == []
    assert len(fake.shown) == 1
    assert refiner.asked == []


def test_ok__an_empty_street_costs_one_pass() -> None:
    localizer = TfliteLocalizer.from_manifest()
    image = cv2.imread(str(DEMO / "14-street-without-a-car.jpg"))
    localizer.localize(image)
    assert localizer.detector.passes == 1


def test_ok__a_still_with_only_rejected_candidates_is_empty() -> None:
    found, fake, _ = localizer(plate_map((100, 80, 180, 100, 0.9)), near=(0.01,))
    assert found.localize(still()) == []
    assert len(fake.shown) == 1


def test_ok__several_plates_come_best_first() -> None:
    found, _, _ = localizer(plate_map((20, 80, 100, 100, 0.70), (200, 80, 280, 100, 0.95)))
    regions = found.localize(still())
    assert [round(region.box[0]) for region in regions] == [402, 42]


def test_ok__two_candidates_refined_to_one_plate_become_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found, _, refiner = localizer(plate_map((20, 80, 100, 100, 0.70), (100, 80, 180, 100, 0.95)))
    same = np.array([[80, 160], [280, 160], [280, 200], [80, 200]], np.float32)
    monkeypatch.setattr(refiner, "refine", lambda _image, _box: RefinedPlate(0.9, same))
    assert len(found.localize(still())) == 1


def test_ok__corners_are_clipped_to_the_still() -> None:
    found, _, _ = localizer(plate_map((-20, 270, 100, 300, 0.9)))
    (region,) = found.localize(still())
    assert region.box[0] == 0
    assert region.box[3] <= 576


def test_ok__twisted_corners_become_their_box(monkeypatch: pytest.MonkeyPatch) -> None:
    found, _, refiner = localizer(plate_map((100, 80, 180, 100, 0.9)))
    twisted = np.array([[360, 160], [200, 160], [360, 200], [200, 200]], np.float32)
    monkeypatch.setattr(refiner, "refine", lambda _image, _box: RefinedPlate(0.9, twisted))
    (region,) = found.localize(still())
    expected = [[200, 160], [360, 160], [360, 200], [200, 200]]
    np.testing.assert_allclose(region.corners, expected, atol=0.1)


def test_fail__array_is_not_a_picture() -> None:
    found, _, _ = localizer()
    with pytest.raises(ImageError, match="8 bits"):
        found.localize(np.zeros((20, 20), np.uint8))
    with pytest.raises(ImageError, match="8 bits"):
        found.localize(np.zeros((20, 20, 3), np.float32))  # type: ignore[arg-type]


def test_fail__missing_detector(tmp_path: Path) -> None:
    with pytest.raises(ModelError):
        TfliteLocalizer.from_manifest(tmp_path)


@pytest.mark.parametrize("size", [(1, 1), (2, 900), (900, 3), (40, 30), (5000, 40)])
def test_ok__unusual_sizes(shipped: TfliteLocalizer, size: tuple[int, int]) -> None:
    assert isinstance(shipped.localize(still(*size)), list)


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


@pytest.mark.parametrize(("width", "same"), [(60, False), (200, True)])
def test_ok__a_close_up_starts_at_the_known_region_and_is_none_if_it_is_the_same(
    width: int, same: bool
) -> None:
    right, bottom = 300 + width, 200 + width // 3
    known = PlateRegion(((300, 200), (right, 200), (right, bottom), (300, bottom)), 0.5, "tflite")
    found, fake, refiner = localizer(near=(0.8,))
    region = found.close_up(still(), known)
    assert refiner.asked == [(300, 200, right, bottom)]
    assert fake.shown == []
    assert (region is None) == same
    if region is not None:
        assert region.confidence == pytest.approx(0.8)
        np.testing.assert_allclose(region.corners, np.array(known.corners) + SHIFT)


def test_ok__without_its_refiner_the_detector_works_alone_and_reports_why(tmp_path: Path) -> None:
    for name in ("MANIFEST.toml", "plate_detector.tflite"):
        (tmp_path / name).write_bytes((MODELS / name).read_bytes())
    alone = TfliteLocalizer.from_manifest(tmp_path)
    assert TfliteLocalizer.from_manifest().degraded is None
    assert alone.degraded is not None
    assert "corners are not refined: " in alone.degraded
    assert "plate_refiner" in alone.degraded
    image = cv2.imread(str(DEMO / "01-day-1.jpg"))
    (region,) = alone.localize(image)
    (known, *_) = TfliteLocalizer.from_manifest().localize(image)
    np.testing.assert_allclose(region.box, known.box, atol=0.5 * known.height)
    assert alone.close_up(image, region) is None


def test_ok__the_detector_alone_uses_higher_thresholds() -> None:
    fake = FakeModel(*[plate_map((100, 80, 180, 100, 0.27))] * 2)
    detector = Detector(lambda: cast(Model, fake))
    assert len(TfliteLocalizer(detector, None, Search(parts=False)).localize(still())) == 1
    fake.maps += [plate_map()] * 4
    assert TfliteLocalizer(detector, None).localize(still()) == []
