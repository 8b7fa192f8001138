# SPDX-License-Identifier: Apache-2.0
"""The detector: candidates in pixels of the picture, one network for each canvas."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
import pytest

from plategate.errors import ModelError
from plategate.vision.interpreter import Model, open_model
from plategate.vision.localize.detector import Detector
from plategate.vision.localize.letterbox import CANVASES
from plategate.vision.models import find_model

from .plate_maps import FakeModel, plate_map

DEMO = Path(__file__).parents[2] / "data" / "demo"


def picture(width: int, height: int) -> Any:
    return np.full((height, width, 3), 90, np.uint8)


def counted_detector() -> tuple[Detector, list[FakeModel]]:
    """A detector that finds nothing, and the networks that it has opened so far."""
    opened: list[FakeModel] = []

    def another() -> Model:
        opened.append(FakeModel(*[plate_map() for _ in range(9)]))
        return cast(Model, opened[-1])

    return Detector(another), opened


def test_ok__candidates_are_in_pixels_of_the_picture() -> None:
    fake = FakeModel(plate_map((100, 80, 180, 100, 0.9)))
    (place,) = Detector(lambda: cast(Model, fake)).propose(picture(1536, 1152), 0.1)
    np.testing.assert_allclose(place.box, (400, 320, 720, 400), atol=0.1)
    assert place.score == pytest.approx(0.9, abs=1e-3)


def test_ok__the_network_is_opened_once_for_each_canvas() -> None:
    detector, opened = counted_detector()
    for size in ((640, 480), (1280, 720), (640, 360), (800, 600), (1280, 720)):
        detector.propose(picture(*size), 0.1)
    assert [model.input_shape for model in opened] == [(1, 288, 384, 3), (1, 224, 384, 3)]
    assert [len(model.shown) for model in opened] == [2, 3]
    assert (detector.passes, detector.pixels) == (5, 2 * 384 * 288 + 3 * 384 * 224)


def test_ok__a_coarse_pass_uses_the_network_of_the_whole_canvas() -> None:
    detector, opened = counted_detector()
    for coarse in (True, False, True):
        detector.propose(picture(1920, 1080), 0.1, coarse=coarse)
    (model,) = opened
    assert [shown.shape for shown in model.shown] == [
        (1, 128, 192, 3), (1, 224, 384, 3), (1, 128, 192, 3)
    ]  # fmt: skip


def test_ok__a_resized_network_proposes_as_a_new_one_does() -> None:
    image = cv2.imread(str(DEMO / "01-day-1.jpg"))
    used, new = Detector.from_manifest(), Detector.from_manifest()
    for coarse in (True, False, True, False):
        found = used.propose(image, 0.3, coarse=coarse)
    (place,) = new.propose(image, 0.3)
    np.testing.assert_array_equal([one.corners for one in found], [place.corners])


@pytest.mark.parametrize("canvas", CANVASES)
def test_ok__the_shipped_network_takes_every_canvas(canvas: tuple[int, int]) -> None:
    found = find_model("plate_detector")
    model = open_model(found.path, found.sha256)
    columns, rows = canvas
    model.resize((1, rows, columns, 3))
    answer = model.run(np.zeros((1, rows, columns, 3), np.uint8))[0]
    assert answer.shape == (1, rows // 8, columns // 8, 9)


@pytest.mark.parametrize("xnnpack", [True, False])
def test_ok__a_plate_is_proposed_at_its_position_on_every_canvas(
    xnnpack: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLATEGATE_XNNPACK", "1" if xnnpack else "0")
    shipped = Detector.from_manifest()
    image = cv2.imread(str(DEMO / "01-day-1.jpg"))
    height, width = image.shape[:2]
    best = shipped.propose(image, 0.3)[0]
    middle = best.corners.mean(0)
    for shape in ((4, 3), (3, 2), (16, 9), (1, 1), (3, 4)):
        high = min(height, width * shape[1] // shape[0])
        wide = min(width, high * shape[0] // shape[1])
        x = int(np.clip(middle[0] - wide / 2, 0, width - wide))
        y = int(np.clip(middle[1] - high / 2, 0, height - high))
        part = np.ascontiguousarray(image[y : y + high, x : x + wide])
        place = shipped.propose(part, 0.3)[0]
        off = place.corners.mean(0) + np.array([x, y]) - middle
        assert np.abs(off).max() < 0.1 * (best.box[2] - best.box[0])


def test_fail__model_file_removed_while_running(
    tmp_path: Path,
) -> None:
    file = tmp_path / "detector.tflite"
    file.write_bytes(find_model("plate_detector").path.read_bytes())
    detector = Detector.from_file(file)
    file.unlink()
    assert detector.propose(picture(640, 480), 0.5) == []
    with pytest.raises(ModelError, match=r"detector\.tflite cannot be read"):
        detector.propose(picture(1280, 720), 0.5)
