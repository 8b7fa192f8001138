# SPDX-License-Identifier: Apache-2.0
"""The view of the camera for one person: its token, small pictures, and ratings of whole ones.

The ratings are made by a process of its own (`plategate aim --json -`), which runs only during a
view: it needs the models, and must take nothing from the gate.
"""

from __future__ import annotations

import contextlib
import json
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plategate.errors import CameraError, CommandError, ConsoleError
from plategate.remote.client import PreviewPicture, ask_picture

FRAMES_PER_S = 3.0
RATED_EVERY_S = 1.5
BOUNDARY = "plategate-frame"
STREAM_TYPE = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
RATED_WITHIN_S = 60.0  # a first still waits for the models
END_WITHIN_S = 2.0


@dataclass(frozen=True, slots=True)
class View:
    """A view that the gate has granted to a session of the console."""

    session: str
    token: str


class AimView:
    """The present view, if any; for any thread."""

    def __init__(self, socket: Path, config: Path | None = None) -> None:
        """`config` are the settings of the process that rates stills."""
        self._socket = socket
        self._config = config
        self._lock = threading.Lock()
        self._view: View | None = None
        self._rating: _Rating | None = None

    def start(self, session: str, token: str) -> None:
        """Begin the view of a session, in place of any other."""
        self.end()
        with self._lock:
            self._view = View(session, token)

    def token(self, session: str) -> str | None:
        """The token of the view, if the given login began it."""
        view = self._view
        return view.token if view is not None and view.session == session else None

    def end(self) -> None:
        """Forget the view, and end the process that rates stills."""
        with self._lock:
            rating, self._rating, self._view = self._rating, None, None
        if rating is not None:
            rating.close()

    def frames(self, session: str, lasts: Callable[[], bool]) -> Iterator[bytes]:
        """The parts of an MJPEG stream, until the view ends or the session no longer `lasts`."""
        while (token := self.token(session)) is not None and lasts():
            began_s = time.monotonic()
            try:
                picture = self.picture(token, whole=False)
            except CommandError:
                self.end()
                return
            except CameraError:
                picture = None  # the next frame may come
            if picture is not None:
                head = f"Content-Type: image/jpeg\r\nContent-Length: {len(picture.jpeg)}\r\n\r\n"
                yield f"--{BOUNDARY}\r\n{head}".encode() + picture.jpeg + b"\r\n"
            time.sleep(max(0.0, 1.0 / FRAMES_PER_S - (time.monotonic() - began_s)))

    def report(self, session: str) -> dict[str, Any]:
        """The newest rating of a whole still and the seconds that are left of the view.

        Raises CommandError where the view has ended, CameraError and ConsoleError.
        """
        token = self.token(session)
        if token is None:
            raise CommandError("the view has ended")
        with self._lock:
            rating = self._rating = self._rating or _Rating(self._config)
        try:
            return rating.report(lambda: self.picture(token, whole=True))
        except ConsoleError:
            with self._lock:  # the next report begins another process
                self._rating = None if self._rating is rating else self._rating
            rating.close()
            raise

    def picture(self, token: str, *, whole: bool) -> PreviewPicture:
        """One picture of the view that the gate has granted. Raises CommandError, CameraError."""
        return ask_picture(self._socket, token, whole=whole)


class _Rating:
    """The process that rates stills; one still at a time."""

    def __init__(self, config: Path | None) -> None:
        chosen = [] if config is None else ["--config", str(config)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "plategate", "aim", "--json", *chosen, "-"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._busy = threading.Lock()
        self._newest: dict[str, Any] = {}
        self._rated_s = 0.0

    def report(self, take: Callable[[], PreviewPicture]) -> dict[str, Any]:
        """The rating of a new still; the one before where that is recent, or one is being made.

        Raises ConsoleError where the process has ended or hangs.
        """
        if time.monotonic() - self._rated_s < RATED_EVERY_S:
            return self._newest
        if not self._busy.acquire(blocking=False):
            return self._newest
        try:
            return self._rate(take)
        finally:
            self._busy.release()

    def _rate(self, take: Callable[[], PreviewPicture]) -> dict[str, Any]:
        picture: PreviewPicture = take()
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(b"%d\n" % len(picture.jpeg) + picture.jpeg)
            process.stdin.flush()
            if not select.select([process.stdout], [], [], RATED_WITHIN_S)[0]:
                raise ConsoleError(f"a still was not rated within {RATED_WITHIN_S:.0f} s")
            line = process.stdout.readline()
            found = json.loads(line)
        except (OSError, ValueError) as error:
            raise ConsoleError("the process that rates stills has ended") from error
        self._newest = {
            **found,
            "width": picture.width,
            "height": picture.height,
            "seconds": picture.seconds,
        }
        self._rated_s = time.monotonic()
        return self._newest

    def close(self) -> None:
        """End the process; harmless if it has ended."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):  # it has ended already
                    stream.close()
        try:
            self._process.wait(END_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
