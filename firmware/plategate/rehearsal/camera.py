# SPDX-License-Identifier: Apache-2.0
"""A camera for rehearsals: its stills are pictures that somebody holds before it.

A still counts as exposed when it is asked for. The camera can be made to die in the middle of a
burst, and to be absent for a while.
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
    """Fills the Camera socket with pictures; `load` decodes one."""

    def __init__(self, clock: Clock, load: Load) -> None:
        self._clock = clock
        self._load = load
        self._pictures: tuple[Path, ...] = ()
        self._sequence = 0
        self.dies_after: int | None = None

    def show(self, *pictures: Path) -> None:
        """From now on a burst consists of these, one after the other, the last one repeated."""
        self._pictures = pictures

    def start(self) -> None:
        """Nothing to open."""

    def burst(self, count: int, since_s: float) -> Iterator[Still]:
        """Up to `count` stills of what is shown; each is exposed now, and so after the trigger."""
        for index in range(count):
            if self.dies_after is not None and index >= self.dies_after:
                raise CameraError("the camera stopped delivering (rehearsed)")
            if not self._pictures:
                raise CameraError("nothing is shown to the camera (rehearsed)")
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
        """Why no still would come."""
        return None if self.dies_after is None else "the camera stopped delivering (rehearsed)"

    def close(self) -> None:
        """Nothing to let go of."""
