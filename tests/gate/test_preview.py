# SPDX-License-Identifier: Apache-2.0
"""Guards: one person sees what the camera sees, for a few minutes; passages are not involved."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from plategate.errors import CameraError, CommandError
from plategate.gate.preview import IDLE_S, VIEW_S, Preview
from plategate.hardware.camera.files import FileCamera
from plategate.hardware.camera.frames import SnapshotExchange
from plategate.messages import InputName, Level
from plategate.rehearsal.clock import ManualClock
from plategate.remote.client import ask_picture, new_request
from plategate.remote.protocol import CommandRequest, ServiceName
from plategate.settings.camera import CameraSettings
from plategate.values import Image

from .conftest import KNOWN, RunningGate


def request(who: str = "owner:anna", **data: Any) -> CommandRequest:
    return new_request(ServiceName.STILL, why="aim", who=who, via="console", data=data or None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    picture = np.full((720, 1280, 3), 90, np.uint8)
    cv2.imwrite(str(tmp_path / "lane.png"), picture)
    return tmp_path


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def preview(folder: Path, clock: ManualClock) -> Preview:
    settings = CameraSettings(kind="folder", path=folder, roi=(0.5, 0.0, 0.5, 1.0))
    camera = FileCamera(settings=settings, clock=clock)
    camera.start()
    return Preview(camera, clock)


def later(clock: ManualClock, seconds: float) -> None:
    clock.advance_to(clock.monotonic() + seconds)


def test_ok__a_small_and_a_whole_picture_of_the_region(
    preview: Preview, clock: ManualClock
) -> None:
    token = preview.begin(request())[1]["token"]
    small, jpeg = preview.picture(token, whole=False)
    assert (small["width"], small["height"]) == (640, 720)
    decoded = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert decoded.shape == (720, 640, 3)
    later(clock, 1.0)
    preview._camera.use_region((0.0, 0.0, 1.0, 0.5))
    whole, _ = preview.picture(token, whole=True)
    assert (whole["width"], whole["height"], whole["seconds"]) == (1280, 360, VIEW_S - 1)


def test_fail__nobody_looks_without_the_command(preview: Preview) -> None:
    for token in ("", "x", "é"):
        with pytest.raises(CommandError, match="has ended"):
            preview.picture(token, whole=False)


def test_fail__a_second_person_waits_until_the_first_has_left(
    preview: Preview, clock: ManualClock
) -> None:
    first = preview.begin(request())[1]["token"]
    with pytest.raises(
        CommandError, match="owner:anna is using the camera view; free again in 300 s"
    ):
        preview.begin(request("installer:ben"))
    assert preview.begin(request("installer:ben", end="wrong"))[0]  # somebody else ends nothing
    preview.picture(first, whole=False)
    preview.begin(request(end=first))
    second = preview.begin(request("installer:ben"))[1]["token"]
    with pytest.raises(CommandError):
        preview.picture(first, whole=False)
    later(clock, IDLE_S + 1)  # he closed the page
    with pytest.raises(CommandError):
        preview.picture(second, whole=False)
    assert preview.begin(request())[1]["token"]


def test_ok__the_same_person_may_begin_again(preview: Preview) -> None:
    first = preview.begin(request())[1]["token"]
    assert preview.begin(request())[1]["token"] != first


def test_fail__a_view_ends_by_itself_also_while_it_is_used(
    preview: Preview, clock: ManualClock
) -> None:
    token = preview.begin(request())[1]["token"]
    for _ in range(int(VIEW_S) - 1):
        later(clock, 1.0)
        preview.picture(token, whole=False)
    later(clock, 1.0)
    with pytest.raises(CommandError):
        preview.picture(token, whole=False)


def test_fail__pictures_are_not_made_more_often_than_allowed(
    preview: Preview, clock: ManualClock
) -> None:
    token = preview.begin(request())[1]["token"]
    preview.picture(token, whole=False)
    with pytest.raises(CameraError, match="too often"):
        preview.picture(token, whole=False)
    later(clock, 0.25)
    preview.picture(token, whole=False)


@pytest.fixture
def served(running: RunningGate, tmp_path: Path) -> Iterator[tuple[RunningGate, Preview, Path]]:
    """A running gate whose camera is shown at a socket."""
    preview = Preview(running.site.camera, running.site.components.clock)
    server = preview.serve(tmp_path / "preview.sock")
    assert server is not None
    yield running, preview, tmp_path / "preview.sock"
    server.close()


def test_ok__a_vehicle_is_let_in_while_the_camera_hangs_for_the_viewer(
    served: tuple[RunningGate, Preview, Path],
) -> None:
    running, preview, file = served
    held = threading.Event()
    entered = threading.Event()

    def hang(*, whole: bool, within_s: float) -> Image:
        entered.set()
        held.wait(60)
        raise CameraError("the camera delivered no frame")

    running.site.camera.snapshot = hang  # type: ignore[method-assign]
    token = preview.begin(request())[1]["token"]
    errors: list[Exception] = []

    def look() -> None:
        try:
            ask_picture(file, token, whole=False)
        except (CameraError, CommandError) as error:
            errors.append(error)

    viewer = threading.Thread(target=look)
    viewer.start()
    assert entered.wait(60)
    running.come(KNOWN)
    running.until(lambda: "open_relay on" in running.relay)
    running.put(InputName.BEAM, Level.INACTIVE)
    held.set()
    viewer.join(60)
    assert len(errors) == 1


@pytest.mark.parametrize("sent", ["x", "[]", "{}", '{"token": 1}', "[" * 200])
def test_fail__what_is_no_request_gets_no_picture(
    served: tuple[RunningGate, Preview, Path], sent: str
) -> None:
    from plategate.local_socket import ask

    assert b"malformed" in ask(served[2], sent.encode() + b"\n", 5.0, 1000)


def test_ok__a_driver_copies_a_frame_only_when_asked() -> None:
    exchange = SnapshotExchange()
    copies: list[bool] = []
    frame = np.zeros((2, 2, 3), np.uint8)

    def copy(whole: bool) -> Image | None:
        copies.append(whole)
        return frame if len(copies) > 1 else None

    exchange.offer(copy)
    assert copies == []
    stop = threading.Event()

    def drive() -> None:
        while not stop.is_set():
            exchange.offer(copy)

    driver = threading.Thread(target=drive)
    driver.start()
    assert exchange.take(True, 60.0) is frame
    stop.set()
    driver.join()
    assert copies == [True, True]
    with pytest.raises(CameraError, match="no frame within 0"):
        exchange.take(False, 0.0)
