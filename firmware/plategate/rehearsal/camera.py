# SPDX-License-Identifier: Apache-2.0
"""A simulated camera whose stills are picture files.

A still counts as exposed when it is requested. The camera can be made to fail during a burst.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from plategate.clock import Clock
from plategate.errors import CameraError, ImageError
from plategate.hardware.camera.base import crop, small
from plategate.values import Image, Still

WHOLE = (0.0, 0.0, 1.0, 1.0)
Load = Callable[[Path], Still]


class RehearsalCamera:
    """Implements Camera with picture files; `load` decodes one."""

    def __init__(self, clock: Clock, load: Load) -> None:
        self._clock = clock
        self._load = load
        self._pictures: tuple[Path, ...] = ()
        self._sequence = 0
        self._roi = WHOLE
        self.dies_after: int | None = None

    def show(self, *pictures: Path) -> None:
        """Use these pictures for the next bursts, in order, repeating the last one."""
        self._pictures = pictures

    def start(self, heartbeat: Callable[[], None] | None = None) -> None:
        """Nothing to open and nothing to wait for."""

    def delivering(self) -> bool:
        """Whether bursts deliver stills."""
        return self.dies_after is None

    def burst(self, count: int, since_s: float) -> Iterator[Still]:
        """Up to `count` stills of the shown pictures, each exposed now."""
        for index in range(count):
            if self.dies_after is not None and index >= self.dies_after:
                raise CameraError("the camera stopped delivering (simulated)")
            if not self._pictures:
                raise CameraError("no picture is shown to the camera (simulated)")
            picture = self._pictures[min(index, len(self._pictures) - 1)]
            exposed_at_s = max(self._clock.monotonic(), since_s)
            try:
                still = self._load(picture)
            except ImageError as error:
                raise CameraError(f"{picture}: {error}") from error
            self._sequence += 1
            yield replace(
                still,
                image=crop(still.image, self._roi),
                captured_at=self._clock.wall(),
                exposed_at_s=exposed_at_s,
                sequence=self._sequence,
            )

    def snapshot(self, *, whole: bool, within_s: float) -> Image:
        """The first shown picture."""
        del within_s
        if self.dies_after is not None or not self._pictures:
            raise CameraError("no picture is shown to the camera (simulated)")
        try:
            image = crop(self._load(self._pictures[0]).image, self._roi)
        except ImageError as error:
            raise CameraError(f"{self._pictures[0]}: {error}") from error
        return image if whole else small(image)

    def use_region(self, roi: tuple[float, float, float, float]) -> None:
        """Cut this part out of the pictures from now on."""
        self._roi = roi

    def fault(self) -> str | None:
        """Why the camera delivers no stills; None where it does."""
        return None if self.dies_after is None else "the camera stopped delivering (simulated)"

    def close(self) -> None:
        """Nothing to release."""
