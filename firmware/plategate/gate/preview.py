# SPDX-License-Identifier: Apache-2.0
"""Show what the camera sees to one person who aims it, for a few minutes (command `still`).

The command is an event with who and why; its answer has a token for the preview socket. Each
connection there gets one JPEG. Pictures are copied by the camera's driver and encoded in the
socket's own thread; lane, vision worker and burst are not involved (scripts/preview_cost).
"""

from __future__ import annotations

import json
import logging
import secrets
import socket
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2

from plategate.clock import Clock
from plategate.errors import CameraError, CommandError
from plategate.gate.interfaces import Service
from plategate.hardware.interfaces import Camera
from plategate.local_socket import LocalServer, receive
from plategate.remote.protocol import CommandRequest, ServiceName

logger = logging.getLogger(__name__)

VIEW_S = 300.0
IDLE_S = 15.0  # a viewer who asks for nothing for this long has left
SMALL_EVERY_S, WHOLE_EVERY_S = 0.2, 1.0  # not more often, whatever is asked for
FRAME_WITHIN_S = 2.0
SMALL_QUALITY, WHOLE_QUALITY = 80, 92
LONGEST_REQUEST_BYTES = 300
REQUEST_WITHIN_S = 2.0


@dataclass(slots=True)
class _Viewer:
    who: str
    token: str
    until_s: float
    asked_s: float


class Preview:
    """At most one viewer at a time; for any thread."""

    def __init__(self, camera: Camera, clock: Clock) -> None:
        self._camera = camera
        self._clock = clock
        self._lock = threading.Lock()
        self._viewer: _Viewer | None = None
        self._next_s = {False: 0.0, True: 0.0}

    def services(self) -> dict[ServiceName, Service]:
        """What the gate offers over its command socket."""
        return {ServiceName.STILL: self.begin}

    def serve(self, file: Path) -> LocalServer | None:
        """Serve pictures at `file`; None, with a log line, where that cannot be opened."""
        try:
            return LocalServer(file, "preview", self._answer, REQUEST_WITHIN_S)
        except OSError as error:
            logger.error("no pictures for aiming at %s: %s", file, error.strerror)
            return None

    def begin(self, request: CommandRequest) -> tuple[str, dict[str, Any]]:
        """Admit a viewer; with `end`: token, end that view. Raises CommandError.

        The same person may begin again, which ends his earlier view.
        """
        ending = (request.data or {}).get("end")
        now_s = self._clock.monotonic()
        with self._lock:
            present = self._present(now_s)
            if ending is not None:
                if present is not None and _same(present.token, ending):
                    self._viewer = None
                return "the view has ended", {}
            if present is not None and present.who != request.who:
                left_s = present.until_s - now_s
                raise CommandError(
                    f"{present.who} is using the camera view; free again in {left_s:.0f} s"
                )
            token = secrets.token_urlsafe(24)
            self._viewer = _Viewer(request.who, token, now_s + VIEW_S, now_s)
        return "the camera is shown", {"token": token, "seconds": VIEW_S}

    def picture(self, token: str, whole: bool) -> tuple[dict[str, Any], bytes]:
        """What is left of the view, and one JPEG. Raises CommandError and CameraError."""
        now_s = self._clock.monotonic()
        with self._lock:
            viewer = self._present(now_s)
            if viewer is None or not _same(viewer.token, token):
                raise CommandError("the view has ended")
            viewer.asked_s = now_s
            if now_s < self._next_s[whole]:
                raise CameraError("asked too often")
            self._next_s[whole] = now_s + (WHOLE_EVERY_S if whole else SMALL_EVERY_S)
        image = self._camera.snapshot(whole=whole, within_s=FRAME_WITHIN_S)
        quality = [cv2.IMWRITE_JPEG_QUALITY, WHOLE_QUALITY if whole else SMALL_QUALITY]
        encoded, jpeg = cv2.imencode(".jpg", image, quality)
        if not encoded:
            raise CameraError("the frame cannot be encoded")
        height, width = image.shape[:2]
        seconds = round(viewer.until_s - now_s)
        return {"seconds": seconds, "width": width, "height": height}, jpeg.tobytes()

    def _present(self, now_s: float) -> _Viewer | None:
        """The viewer whose view has not ended."""
        viewer = self._viewer
        if viewer is not None and (now_s >= viewer.until_s or now_s >= viewer.asked_s + IDLE_S):
            self._viewer = viewer = None
        return viewer

    def _answer(self, connection: socket.socket) -> None:
        line = receive(connection, LONGEST_REQUEST_BYTES, REQUEST_WITHIN_S)
        jpeg = b""
        try:
            asked = json.loads(line)
            found, jpeg = self.picture(str(asked["token"]), asked["whole"] is True)
        except (ValueError, TypeError, KeyError, RecursionError):
            found = {"error": "malformed"}
        except CommandError:
            found = {"error": "ended"}
        except CameraError as error:
            found = {"error": "camera", "reason": str(error)}
        connection.sendall(json.dumps(found).encode() + b"\n" + jpeg)


def _same(token: str, given: object) -> bool:
    return secrets.compare_digest(token.encode(), str(given).encode("utf-8", "replace"))
