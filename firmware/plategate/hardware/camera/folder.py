# SPDX-License-Identifier: Apache-2.0
"""A folder of pictures, or a video file, as a camera: for trying out and for tests.

Each burst yields the next pictures in order of name, from the beginning again after the last. They
count as exposed when they are asked for. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from plategate.clock import Clock
from plategate.errors import CameraError
from plategate.hardware.camera.stills import cut, dated, turned
from plategate.settings.camera import CameraSettings
from plategate.values import Image, Still

SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".bmp", ".webp"))


class FileCamera:
    """Fills the Camera socket out of files."""

    def __init__(self, *, settings: CameraSettings, clock: Clock) -> None:
        if settings.path is None:
            raise CameraError("camera.path is not set")
        self._settings = settings
        self._path = settings.path
        self._clock = clock
        self._pictures: Iterator[tuple[str, Image]] | None = None
        self._sequence = 0

    def start(self) -> None:
        """Look whether there is anything to show."""
        pictures = _frames if self._settings.kind == "video" else _pictures
        first = next(pictures(self._path), None)
        if first is None:
            raise CameraError(f"{self._path}: nothing in it that can be shown")
        self._pictures = _endless(pictures, self._path)

    def burst(self, count: int, since_s: float) -> Iterator[Still]:
        """Yield the next `count` pictures, as if exposed just after `since_s`."""
        for _ in range(count):
            if self._pictures is None:
                raise CameraError("the camera is not running")
            name, image = next(self._pictures)
            self._sequence += 1
            yield dated(
                turned(cut(image, self._settings.roi), self._settings.rotation),
                name,
                exposed_at_s=max(since_s, self._clock.monotonic()),
                clock=self._clock,
                sequence=self._sequence,
            )

    def fault(self) -> str | None:
        """Files do not fail between bursts."""
        return None if self._pictures is not None else "the camera is not running"

    def close(self) -> None:
        """Forget the place."""
        self._pictures = None


def _endless(pictures: object, path: Path) -> Iterator[tuple[str, Image]]:
    while True:
        shown = 0
        for picture in pictures(path):  # type: ignore[operator]
            shown += 1
            yield picture
        if not shown:
            raise CameraError(f"{path}: nothing in it that can be shown any more")


def _pictures(folder: Path) -> Iterator[tuple[str, Image]]:
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


def _frames(file: Path) -> Iterator[tuple[str, Image]]:
    video = cv2.VideoCapture(str(file))
    try:
        number = 0
        while True:
            shown, image = video.read()
            if not shown:
                return
            yield f"{file}#{number}", np.asarray(image, np.uint8)
            number += 1
    finally:
        video.release()
