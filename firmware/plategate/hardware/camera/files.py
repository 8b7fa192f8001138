# SPDX-License-Identifier: Apache-2.0
"""Camera driver for a folder of pictures or a video file, for tests and trials.

Each burst yields the next pictures in order of name and starts over after the last one. A picture
counts as exposed at the moment it is requested. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from plategate.clock import Clock
from plategate.errors import CameraError
from plategate.hardware.camera.base import CameraDriver, crop, rotate, small
from plategate.settings.camera import CameraSettings
from plategate.values import Image, Still

SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".bmp", ".webp"))

Pictures = Iterator[tuple[str, Image]]


class FileCamera(CameraDriver):
    """Implements `interfaces.Camera` with pictures from files."""

    def __init__(self, *, settings: CameraSettings, clock: Clock) -> None:
        if settings.path is None:
            raise CameraError("camera.path is not set")
        super().__init__(settings=settings, clock=clock, label=str(settings.path))
        self._path = settings.path
        self._pictures: Pictures | None = None
        self._last: Image | None = None

    @property
    def running(self) -> bool:
        """Whether `start` has found pictures."""
        return self._pictures is not None

    def _start(self) -> None:
        """Open the folder or the video; CameraError if it contains no picture."""
        read = _frames if self._settings.kind == "video" else _pictures
        if next(read(self._path), None) is None:
            raise CameraError(f"{self._path}: contains no readable picture")
        self._pictures = _repeat(read, self._path)

    def burst(self, count: int, since_s: float) -> Iterator[Still]:
        """Yield the next `count` pictures as if exposed just after `since_s`."""
        for _ in range(count):
            if self._pictures is None:
                raise CameraError("the camera is not running")
            name, image = next(self._pictures)
            self._last = image
            exposed_at_s = max(since_s, self._clock.monotonic())
            yield self._make_still(crop(image, self._roi), name, exposed_at_s)

    def snapshot(self, *, whole: bool, within_s: float) -> Image:
        """The last picture of a burst, or the first one."""
        del within_s
        image = self._last
        if image is None:
            read = _frames if self._settings.kind == "video" else _pictures
            image = next(read(self._path), ("", None))[1]
        if image is None:
            raise CameraError(f"{self._path}: contains no readable picture")
        image = rotate(crop(image, self._roi), self._settings.rotation)
        return image if whole else small(image)

    def delivering(self) -> bool:
        """Files deliver as soon as they are open."""
        return self.running

    def fault(self) -> str | None:
        """Files cannot fall silent between bursts."""
        return None if self.running else "the camera is not running"

    def close(self) -> None:
        """Close the file; `start` begins again with the first picture."""
        self._pictures = None


def _repeat(read: Callable[[Path], Pictures], path: Path) -> Pictures:
    while True:
        empty = True
        for picture in read(path):
            empty = False
            yield picture
        if empty:
            raise CameraError(f"{path}: contains no readable picture any more")


def _pictures(folder: Path) -> Pictures:
    try:
        files = sorted(f for f in folder.iterdir() if f.suffix.lower() in SUFFIXES)
    except OSError as error:
        raise CameraError(f"{folder}: {error.strerror}") from error
    for file in files:
        try:
            data = np.frombuffer(file.read_bytes(), np.uint8)
        except OSError:
            continue  # removed since it was listed
        image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
        if image is not None:
            yield str(file), np.asarray(image, np.uint8)


def _frames(file: Path) -> Pictures:
    video = cv2.VideoCapture(str(file))
    try:
        number = 0
        while True:
            decoded, image = video.read()
            if not decoded:
                return
            yield f"{file}#{number}", np.asarray(image, np.uint8)
            number += 1
    finally:
        video.release()
