# SPDX-License-Identifier: Apache-2.0
"""Guards: batches of plates are cut, degraded and resized in the same way as single plates.

These parts need torch, which only the training has (models/training/requirements.txt).
"""

from __future__ import annotations

import cv2
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is installed for the training only")

ROW = np.linspace(0, 255, 96, dtype=np.float32)


@pytest.fixture
def cut(reader_part):
    return reader_part("batch_cut")


@pytest.fixture
def spoil(reader_part):
    return reader_part("batch_spoil")


def test_homographies_are_those_of_opencv(cut) -> None:
    quads = np.array([[[3, 2], [40, 5], [44, 30], [1, 25]], [[0, 0], [9, 0], [9, 9], [0, 9]]])
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    ours = cut.square_to_quad(torch.tensor(quads, dtype=torch.float64))
    for one, quad in zip(ours.numpy(), quads.astype(np.float32), strict=True):
        assert one == pytest.approx(cv2.getPerspectiveTransform(square, quad), abs=1e-4)


@pytest.mark.parametrize("rows", [12, 24, 48])
def test_shrinking_averages_as_opencv_does(spoil, rows: int) -> None:
    matrix = spoil.area_matrix(torch.tensor([float(rows)]), 96, 48)[0].numpy()
    wanted = cv2.resize(ROW[:, None], (1, rows), interpolation=cv2.INTER_AREA)[:, 0]
    assert (matrix @ ROW)[:rows] == pytest.approx(wanted, abs=0.01)
    assert (matrix @ ROW)[rows:] == pytest.approx(wanted[-1])


@pytest.mark.parametrize(("rows", "target"), [(20, 32), (48, 32), (48, 160)])
def test_sizes_of_networks_are_reached_as_opencv_does(spoil, rows: int, target: int) -> None:
    matrix = spoil.enlarge_matrix(torch.tensor([float(rows)]), 48, target, torch.tensor([False]))
    values = np.random.default_rng(1).uniform(0, 255, 48).astype(np.float32)
    values[rows:] = 1000  # beyond the resolution of the camera: never used
    way = cv2.INTER_AREA if rows > target else cv2.INTER_LINEAR
    wanted = cv2.resize(values[:rows, None], (1, target), interpolation=way)[:, 0]
    assert matrix[0].numpy() @ values == pytest.approx(wanted, abs=0.5)


@pytest.mark.parametrize("quality", [12, 40, 80])
def test_jpeg_is_that_of_the_encoder(spoil, quality: int) -> None:
    rng = np.random.default_rng(2)
    picture = cv2.GaussianBlur(rng.uniform(0, 255, (48, 160)).astype(np.float32), (5, 5), 0)
    picture = picture.round()
    ours = spoil.jpeg(torch.tensor(picture)[None], torch.tensor([float(quality)]))[0].numpy()
    flags = [cv2.IMWRITE_JPEG_QUALITY, quality]
    _, packed = cv2.imencode(".jpg", picture.astype(np.uint8), flags)
    theirs = cv2.imdecode(packed, cv2.IMREAD_GRAYSCALE).astype(np.float32)
    assert np.abs(ours - theirs).mean() < 0.2 * np.abs(picture - theirs).mean()


def test_a_blur_of_nothing_changes_nothing(spoil) -> None:
    matrix = spoil.blur_matrix(torch.tensor([0.0, 2.0]), 96).numpy()
    assert matrix[0] @ ROW == pytest.approx(ROW)
    assert matrix[1].sum(1) == pytest.approx(np.ones(96))


def plates(cut, count: int = 64):
    """White plates with a dark left half on grey, with their boxes."""
    pictures = torch.full((count, 1, 80, 320), 128, dtype=torch.uint8)
    pictures[:, :, 15:65, 50:160], pictures[:, :, 15:65, 160:270] = 10, 250
    boxes = torch.tensor([25.0, 7.5, 135.0, 32.5]).expand(count, -1)  # crops of 40 x 160
    return cut.Plates(
        pictures,
        torch.tensor([40.0, 160.0]).expand(count, -1),
        boxes,
        torch.full((count, 4, 2), float("nan")),
        torch.zeros(count, dtype=torch.bool),
    )


def test_cuts_hold_the_plate_and_little_else(cut) -> None:
    torch.manual_seed(3)
    fine = cut.random_cut(plates(cut), 0.2).fine
    middle = fine[:, 32:64]
    assert middle[:, :, 40:100].mean() < 30
    assert middle[:, :, 220:280].mean() > 230
    assert fine.shape == (64, cut.CUT_HEIGHT, cut.CUT_WIDTH)


def test_spoilt_pictures_keep_the_plate_and_are_normalised(cut, spoil) -> None:
    torch.manual_seed(4)
    made = cut.random_cut(plates(cut), 0.2)
    low = spoil.spoil(made, torch.ones(64))
    assert low.min() >= 0 and low.max() <= 255
    pictures = spoil.fit(low, made, 32, 160)
    assert pictures.shape == (64, 1, 32, 160)
    assert pictures.mean((1, 2, 3)).abs().max() < 1e-3
    lighter = pictures[..., 80:].mean((1, 2, 3)) > pictures[..., :80].mean((1, 2, 3))
    assert lighter.float().mean() > 0.9  # some are negatives


def test_all_variants_say_as_many_steps_as_the_firmware_decodes(reader_part) -> None:
    small = reader_part("small_network")
    for make in small.VARIANTS.values():
        assert make().eval()(torch.zeros(2, 1, 32, 160)).shape == (2, 80, 37)


def test_losses_are_small_for_the_wanted_answer(reader_part) -> None:
    lessons = reader_part("lessons")
    chances = torch.full((1, 80, 37), 1e-4)
    for step, number in ((3, 11), (8, 12)):
        chances[0, step, number] = 1.0
    chances[0, [at for at in range(80) if at not in (3, 8)], 0] = 1.0
    said = (chances / chances.sum(-1, keepdim=True)).log()
    right, wrong = torch.tensor([[11, 12]]), torch.tensor([[12, 11]])
    length = torch.tensor([2])
    assert lessons.text_loss(said, right, length) < 1 < lessons.text_loss(said, wrong, length)
    assert lessons.soft_loss(said, said.exp()) == pytest.approx(0, abs=1e-4)
    assert lessons.soft_loss(said.roll(1, 1), said.exp()) > 0.1
