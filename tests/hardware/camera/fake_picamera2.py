# SPDX-License-Identifier: Apache-2.0
"""A fake Picamera2 on a manual clock with exactly the calls that the driver makes.

Every wait delivers the next frame, one frame time later. Controls take effect four frames later.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.hardware.conftest import ManualClock

FRAME_S = 1 / 30
CONTROL_DELAY = 4
KNOWN_CONTROLS = (
    "AeEnable", "ExposureTime", "AnalogueGain", "AwbEnable", "FrameDurationLimits",
    "AfMode", "LensPosition",
)  # fmt: skip


class FakeJob:
    """The result of `capture_request(wait=False)`."""


class FakeRequest:
    def __init__(self, camera: FakePicamera2, metadata: dict[str, Any], grey: int) -> None:
        self._camera, self._metadata, self._grey = camera, metadata, grey
        camera.unreleased += 1

    def get_metadata(self) -> dict[str, Any]:
        return dict(self._metadata)

    def make_array(self, name: str) -> Any:
        config = self._camera.configuration[name]
        width, height = config["size"]
        if config["format"] == "YUV420":
            return np.full((height * 3 // 2, width), self._grey, np.uint8)
        assert config["format"] == "RGB888"
        return np.full((height, width, 3), self._grey, np.uint8)

    def release(self) -> None:
        self._camera.unreleased -= 1


class FakePicamera2:
    def __init__(self, clock: ManualClock, scene: float = 0.02) -> None:
        self.clock = clock
        self.scene = scene  # grey levels per microsecond of exposure
        self.camera_controls: dict[str, Any] = {
            "ScalerCrop": ((0, 0, 64, 64), (0, 0, 4608, 2592), (0, 0, 4608, 2592)),
            **{name: (0, 1, 0) for name in KNOWN_CONTROLS},
        }
        self.pre_callback: Any = None
        self.configuration: dict[str, Any] = {}
        self.controls: dict[str, Any] = {}
        self.control_calls: list[dict[str, Any]] = []
        self.running = self.closed = self.hanging = False
        self.unreleased = 0
        self.stamps = True
        self._pending_controls: list[tuple[int, float]] = []
        self._exposure_us = 0.0
        self._frames = 0

    def create_video_configuration(self, **wanted: Any) -> dict[str, Any]:
        assert set(wanted) == {
            "main", "lores", "controls", "buffer_count", "queue", "display", "encode"
        }  # fmt: skip
        return wanted

    def configure(self, configuration: dict[str, Any]) -> None:
        self.configuration = configuration
        self.set_controls(configuration["controls"])
        self._exposure_us = configuration["controls"]["ExposureTime"]

    def start(self) -> None:
        self.running = True

    def set_controls(self, controls: dict[str, Any]) -> None:
        unknown = set(controls) - set(self.camera_controls)
        assert not unknown, f"controls that the camera does not have: {unknown}"
        self.controls.update(controls)
        self.control_calls.append(controls)
        if "ExposureTime" in controls:
            self._pending_controls.append((self._frames + CONTROL_DELAY, controls["ExposureTime"]))

    def capture_request(self, *, wait: bool) -> FakeJob:
        assert wait is False
        return FakeJob()

    def wait(self, job: FakeJob, timeout: float) -> FakeRequest:
        assert isinstance(job, FakeJob)
        if self.hanging:
            self.clock.advance(timeout)
            raise TimeoutError
        return self.frame()

    def frame(self) -> FakeRequest:
        """The next frame; controls requested four frames ago are in force."""
        assert self.running
        self._frames += 1
        while self._pending_controls and self._pending_controls[0][0] <= self._frames:
            self._exposure_us = self._pending_controls.pop(0)[1]
        stamp_s = self.clock.now_s  # exposure has ended, the sensor is read out
        self.clock.advance(FRAME_S)
        grey = min(255, round(self.scene * self._exposure_us))
        metadata = {"ExposureTime": round(self._exposure_us) + 7}  # sensors round to lines
        if self.stamps:
            metadata["SensorTimestamp"] = round(stamp_s * 1e9)
        request = FakeRequest(self, metadata, grey)
        if self.pre_callback is not None:
            self.pre_callback(request)
        return request

    def close(self) -> None:
        self.running, self.closed = False, True
