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
from plategate.values import Still

Load = Callable[[Path], Still]


class RehearsalCamera:
    """Implements Camera with picture files; `load` decodes one."""

    def __init__(self, clock: Clock, load: Load) -> None:
        self._clock = clock
        self._load = load
        self._pictures: tuple[Path, ...] = ()
        self._sequence = 0
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
                captured_at=self._clock.wall(),
                exposed_at_s=exposed_at_s,
                sequence=self._sequence,
            )

    def fault(self) -> str | None:
        """Why the camera delivers no stills; None where it does."""
        return None if self.dies_after is None else "the camera stopped delivering (simulated)"

    def close(self) -> None:
        """Nothing to release."""
