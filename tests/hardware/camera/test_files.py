# SPDX-License-Identifier: Apache-2.0
"""Picture folders and video files as a camera: order, region, rotation, empty folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from plategate.errors import CameraError
from plategate.hardware.camera.files import FileCamera
from plategate.settings.camera import CameraSettings
from tests.hardware.conftest import ManualClock


def picture(grey: int) -> Any:
    return np.full((48, 64, 3), grey, np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for grey in (10, 20, 30):
        cv2.imwrite(str(tmp_path / f"{grey}.png"), picture(grey))
    (tmp_path / "15.png").write_bytes(b"not a picture")
    (tmp_path / "notes.txt").write_text("nor this")
    return tmp_path


def file_camera(clock: ManualClock, path: Path, kind: str = "folder", **more: Any) -> FileCamera:
    chosen = CameraSettings.model_validate({"kind": kind, "path": path, **more})
    camera = FileCamera(settings=chosen, clock=clock)
    camera.start()
    return camera


def greys(camera: Any, count: int, since_s: float = 0.0) -> list[int]:
    return [int(still.image[0, 0, 0]) for still in camera.burst(count, since_s)]


def test_ok__folder_in_order_of_name_then_from_the_start(clock: ManualClock, folder: Path) -> None:
    camera = file_camera(clock, folder)
    assert greys(camera, 2) == [10, 20]
    assert greys(camera, 3) == [30, 10, 20]
    still = next(camera.burst(1, clock.now_s + 5))
    assert still.exposed_at_s == clock.now_s + 5
    assert still.source.endswith("30.png")
    assert camera.fault() is None


def test_ok__roi_and_rotation(clock: ManualClock, folder: Path) -> None:
    camera = file_camera(clock, folder, roi=(0.5, 0.5, 0.25, 0.5), rotation=90)
    assert next(camera.burst(1, 0)).image.shape == (16, 24, 3)


@pytest.mark.parametrize("make", [Path.mkdir, lambda _: None])
def test_fail__folder_without_pictures(clock: ManualClock, tmp_path: Path, make: Any) -> None:
    make(tmp_path / "stills")
    with pytest.raises(CameraError, match="stills: "):
        file_camera(clock, tmp_path / "stills")


def test_fail__folder_emptied_while_running(clock: ManualClock, folder: Path) -> None:
    camera = file_camera(clock, folder)
    for file in folder.iterdir():
        file.unlink()
    with pytest.raises(CameraError, match="contains no readable picture any more"):
        greys(camera, 1)


def test_ok__video_file(clock: ManualClock, tmp_path: Path) -> None:
    file = tmp_path / "lane.avi"
    video = cv2.VideoWriter(str(file), cv2.VideoWriter_fourcc(*"MJPG"), 10, (64, 48))
    for grey in (40, 80, 120):
        video.write(picture(grey))
    video.release()
    camera = file_camera(clock, file, kind="video")
    assert greys(camera, 4) == pytest.approx([40, 80, 120, 40], abs=3)
