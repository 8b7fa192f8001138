# SPDX-License-Identifier: Apache-2.0
"""The camera feed: stills while the burst runs, loss and return, restarts, drivers that hang."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from plategate.clock import SystemClock
from plategate.errors import CameraError, CameraHangs
from plategate.gate.camera_feed import MAX_HUNG_STARTS, CameraFeed
from plategate.messages import CameraLost, CameraReturned
from plategate.values import Still


class PatchyCamera:
    """Delivers a number of stills, then fails."""

    def __init__(self, stills: int) -> None:
        self.stills = stills
        self.starts = 0
        self.closed = threading.Event()

    def start(self, heartbeat: Callable[[], None] | None = None) -> None:
        self.starts += 1
        if self.starts > 1:
            self.stills = 99

    def delivering(self) -> bool:
        return self.stills > 0

    def burst(self, count: int, since_s: float) -> Iterator[Still]:
        for index in range(count):
            if index >= self.stills:
                raise CameraError("gone")
            yield Still(np.zeros((2, 2, 3), np.uint8), f"still {index}")

    def fault(self) -> str | None:
        return "gone" if self.stills == 0 else None

    def close(self) -> None:
        self.closed.set()


def feed_of(camera: PatchyCamera) -> tuple[CameraFeed, list[object]]:
    events: list[object] = []
    feed = CameraFeed(camera, SystemClock(), events.append, lambda: None)
    feed.start()
    return feed, events


def test_ok__a_burst_ends_early_when_the_reader_has_enough():
    feed, events = feed_of(PatchyCamera(10_000))
    burst = feed.burst(1000, 0.0)
    assert [next(burst).source, next(burst).source] == ["still 0", "still 1"]
    burst.close()
    feed.stop()
    assert events == []


class WatchedCamera(PatchyCamera):
    """Tells when the last still of a burst was taken, and when that still was freed."""

    def __init__(self) -> None:
        super().__init__(99)
        self.taken, self.freed = threading.Event(), threading.Event()

    def burst(self, count: int, since_s: float) -> Iterator[Still]:
        last = Still(np.zeros((2, 2, 3), np.uint8), "last")
        weakref.finalize(last.image, self.freed.set)
        yield from super().burst(count - 1, since_s)
        yield last
        del last
        self.taken.set()


def test_ok__stills_that_nobody_reads_are_freed_when_their_burst_ends() -> None:
    camera = WatchedCamera()
    feed, _ = feed_of(camera)
    burst = feed.burst(2, 0.0)
    assert next(burst).source == "still 0"
    assert camera.taken.wait(5)
    burst.close()
    del burst
    assert camera.freed.wait(5)
    feed.stop()


def test_fail__stills_before_a_camera_failure_are_used():
    feed, events = feed_of(PatchyCamera(2))
    assert len(list(feed.burst(5, 0.0))) == 2
    feed.stop()
    assert events == [CameraLost("gone")]


def test_fail__a_lost_camera_is_reported_and_restarted():
    camera = PatchyCamera(0)
    feed, events = feed_of(camera)
    with pytest.raises(CameraError, match="gone"):
        list(feed.burst(3, 0.0))
    feed._restarted_s = float("-inf")
    feed._check()
    assert len(list(feed.burst(3, 0.0))) == 3
    feed.stop()
    assert events == [CameraLost("gone"), CameraReturned()]


class UnstartableCamera(PatchyCamera):
    """Fails at every start with `error`, until that is None."""

    def __init__(self, error: Exception | None) -> None:
        super().__init__(99)
        self.error = error
        self.frames = 0

    def start(self, heartbeat: Callable[[], None] | None = None) -> None:
        self.starts += 1
        if self.error is not None:
            raise self.error

    def fault(self) -> str | None:
        return None if self.error is None else "the camera is not running"

    def delivering(self) -> bool:
        return self.frames > 0


def checked(
    camera: UnstartableCamera, rounds: int
) -> tuple[CameraFeed, list[object], list[object]]:
    """A feed whose camera was started once and checked `rounds` times, without a thread."""
    events: list[object] = []
    hangs: list[object] = []
    feed = CameraFeed(camera, SystemClock(), events.append, lambda: None, hangs.append)
    feed._start_camera()
    for _ in range(rounds):
        feed._restarted_s = float("-inf")
        feed._check()
    return feed, events, hangs


def test_fail__a_driver_that_hangs_at_every_start_asks_for_a_restart_of_the_process():
    camera = UnstartableCamera(CameraHangs("opening the camera still hangs"))
    feed, events, hangs = checked(camera, MAX_HUNG_STARTS - 2)
    assert hangs == []
    feed._restarted_s = float("-inf")
    feed._check()
    assert hangs == [
        f"opening the camera still hangs; {MAX_HUNG_STARTS} starts in a row have failed"
    ]
    assert events == [CameraLost("opening the camera still hangs")]
    camera.error = None
    feed._restarted_s = float("-inf")
    feed._start_camera()
    assert hangs[1:] == [None]


@pytest.mark.parametrize("error", [CameraError("no camera found"), RuntimeError("a bug")])
def test_ok__an_absent_or_failing_camera_never_asks_for_a_restart(
    error: Exception, caplog: pytest.LogCaptureFixture
):
    _, events, hangs = checked(UnstartableCamera(error), 20)
    assert hangs == []
    assert events == [CameraLost(str(error))]
    assert caplog.text.count("Traceback") <= 1  # an error that repeats is logged once


def test_ok__a_restarted_camera_is_back_with_its_first_frame():
    camera = UnstartableCamera(CameraError("gone"))
    feed, events, _ = checked(camera, 1)
    camera.error = None
    feed._restarted_s = float("-inf")
    feed._start_camera()
    for _ in range(3):
        feed._check()
    assert events == [CameraLost("gone")]
    camera.frames = 1
    feed._check()
    assert events == [CameraLost("gone"), CameraReturned()]
    assert camera.closed.is_set()
