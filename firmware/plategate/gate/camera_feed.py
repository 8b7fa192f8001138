# SPDX-License-Identifier: Apache-2.0
"""Pass the stills of a burst from the camera's thread to the vision worker while both run.

Between bursts the camera is checked once a second and restarted when it has failed. When a camera
fails during a burst, the stills delivered so far are used.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Protocol

from plategate.clock import Clock
from plategate.errors import CameraError, CameraHangs
from plategate.hardware.interfaces import Camera
from plategate.messages import CameraLost, CameraReturned, Event
from plategate.values import Still

logger = logging.getLogger(__name__)

CHECK_EVERY_S = 1.0
RESTART_EVERY_S = 5.0
MAX_HUNG_STARTS = 6
STILL_WITHIN_S = 6.0

StillsOfBurst = Generator[Still, None, None]


class StillFeed(Protocol):
    """Source of stills for the vision worker."""

    def start(self) -> None:
        """Start the camera."""
        ...

    def burst(self, count: int, since_s: float) -> StillsOfBurst:
        """The stills of one burst, as Camera.burst."""
        ...

    def stop(self) -> None:
        """Close the camera."""
        ...


@dataclass(slots=True)
class _Burst:
    count: int
    since_s: float
    stills: queue.SimpleQueue[Still | CameraError | None] = field(default_factory=queue.SimpleQueue)
    enough: bool = False


class CameraFeed:
    """Runs a camera on its own thread."""

    def __init__(
        self,
        camera: Camera,
        clock: Clock,
        post: Callable[[Event], None],
        beat: Callable[[], None],
        on_hang: Callable[[str | None], None] = lambda _: None,
    ) -> None:
        self._camera = camera
        self._clock = clock
        self._post = post
        self._beat = beat
        self._wanted: queue.SimpleQueue[_Burst | None] = queue.SimpleQueue()
        self._on_hang = on_hang
        self._lost = False
        self._hung_starts = 0
        self._logged: str | None = None
        self._restarted_s = float("-inf")
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)

    def start(self) -> None:
        """Start the thread; an absent camera is reported by CameraLost, not raised."""
        self._thread.start()

    def burst(self, count: int, since_s: float) -> StillsOfBurst:
        """The stills of one burst as they arrive. Raises CameraError where there is none at all."""
        burst = _Burst(count, since_s)
        self._wanted.put(burst)
        delivered = 0
        try:
            while True:
                try:
                    item = burst.stills.get(timeout=STILL_WITHIN_S)
                except queue.Empty:
                    item = CameraError(f"no still within {STILL_WITHIN_S:.0f} s")
                if isinstance(item, CameraError) and not delivered:
                    raise item
                if not isinstance(item, Still):
                    return
                delivered += 1
                yield item
        finally:
            burst.enough = True

    def stop(self) -> None:
        """End the thread, for at most 2 s, and close the camera."""
        self._wanted.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout=2.0)
        self._camera.close()

    def _run(self) -> None:
        self._start_camera()
        while True:
            self._beat()
            try:
                burst = self._wanted.get(timeout=CHECK_EVERY_S)
            except queue.Empty:
                self._check()
                continue
            if burst is None:
                return
            self._deliver(burst)
            del burst  # and its unread stills, before waiting for the next one

    def _deliver(self, burst: _Burst) -> None:
        try:
            for still in self._camera.burst(burst.count, burst.since_s):
                burst.stills.put(still)
                if burst.enough:
                    break
            burst.stills.put(None)
            self._report_back()
        except CameraError as error:
            burst.stills.put(error)
            self._report_lost(str(error))
        except Exception as error:
            burst.stills.put(CameraError(str(error)))
            self._driver_failed(error)

    def _check(self) -> None:
        fault = self._camera.fault()
        if fault is None:
            # A restarted camera is back with its first frame, not with its start.
            if self._camera.delivering():
                self._report_back()
            return
        self._report_lost(fault)
        if self._clock.monotonic() - self._restarted_s >= RESTART_EVERY_S:
            self._camera.close()
            self._start_camera()

    def _start_camera(self) -> None:
        """Start the camera. A driver that hangs again and again is reported to `on_hang`."""
        self._restarted_s = self._clock.monotonic()
        try:
            self._camera.start(self._beat)
        except CameraHangs as error:
            self._hung_starts += 1
            self._report_lost(str(error))
            if self._hung_starts >= MAX_HUNG_STARTS:
                self._on_hang(f"{error}; {self._hung_starts} starts in a row have failed")
        except CameraError as error:
            self._end_of_hang()
            self._report_lost(str(error))
        except Exception as error:
            self._end_of_hang()
            self._driver_failed(error)
        else:
            self._end_of_hang()

    def _end_of_hang(self) -> None:
        if self._hung_starts >= MAX_HUNG_STARTS:
            self._on_hang(None)
        self._hung_starts = 0

    def _driver_failed(self, error: Exception) -> None:
        """Report an unexpected exception of the driver; its traceback is logged once."""
        if repr(error) != self._logged:
            self._logged = repr(error)
            logger.error("the camera driver failed", exc_info=error)
        self._report_lost(str(error))

    def _report_lost(self, reason: str) -> None:
        if not self._lost:
            self._lost = True
            self._post(CameraLost(reason))

    def _report_back(self) -> None:
        if self._lost:
            self._lost, self._logged = False, None
            self._post(CameraReturned())


class InlineFeed:
    """Runs the camera in the calling thread, for scenarios with a manual clock."""

    def __init__(self, camera: Camera, post: Callable[[Event], None]) -> None:
        self._camera = camera
        self._post = post
        self._lost = False

    def start(self) -> None:
        """Start the camera."""
        self._camera.start()

    def burst(self, count: int, since_s: float) -> StillsOfBurst:
        """The stills of one burst; those taken before a failure are delivered."""
        delivered, died = 0, False
        try:
            for still in self._camera.burst(count, since_s):
                delivered += 1
                yield still
        except CameraError as error:
            died = True
            if not self._lost:
                self._lost = True
                self._post(CameraLost(str(error)))
            if not delivered:
                raise
        finally:
            if self._lost and not died:
                self._lost = False
                self._post(CameraReturned())

    def stop(self) -> None:
        """Close the camera."""
        self._camera.close()
