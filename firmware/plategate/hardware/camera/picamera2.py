# SPDX-License-Identifier: Apache-2.0
"""The ribbon camera through picamera2 (settings: [camera]): one configuration that always runs.

Stills are proven fresh by the sensor's own time stamp. Exposure is fixed by profile. The IR lamp
([pins] ir_lamp) is on during a burst only. A camera that hangs is noticed; `gate` restarts it.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import Any

from plategate.clock import Clock
from plategate.errors import CameraError
from plategate.hardware.camera.exposure import ProfileChooser, sensor_crop, white_share
from plategate.hardware.camera.picamera2_controls import (
    exposure_controls,
    fixed_controls,
    missing,
    supported,
)
from plategate.hardware.camera.stills import dated, to_bgr, turned
from plategate.hardware.gpio.ir_lamp import IrLamp
from plategate.hardware.timeout import within
from plategate.settings.camera import CameraSettings
from plategate.values import Image, Still

logger = logging.getLogger(__name__)

LORES = (640, 360)
OPEN_WITHIN_S = 10.0
CLOSE_WITHIN_S = 3.0
# Controls land three or four frames after they were asked for; by then they have, or never will.
LANDS_WITHIN_FRAMES = 10
EXPOSURE_TOLERANCE = 0.1
BRACKETS = 2


def open_picamera(number: int) -> Any:
    """Picamera2 itself; the only place that imports it."""
    try:
        from picamera2 import Picamera2
    except ImportError as error:
        raise CameraError(
            f"picamera2 is missing ({error}): apt install python3-picamera2, and make the virtual "
            "environment with --system-site-packages"
        ) from error
    try:
        return Picamera2(number)
    except (IndexError, RuntimeError, OSError) as error:
        raise CameraError(f"camera {number} cannot be opened: {error}") from error


class PiCamera:
    """Fills the Camera socket."""

    def __init__(
        self,
        *,
        settings: CameraSettings,
        clock: Clock,
        ir_lamp: IrLamp | None = None,
        opener: Callable[[int], Any] = open_picamera,
        pixel_format: str = "RGB888",
        look_every_s: float = 1.0,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._ir_lamp = ir_lamp
        self._opener = opener
        self._format = pixel_format
        self._look_every_s = look_every_s
        self._chooser = ProfileChooser(settings)
        self._device: Any = None
        self._bursting = False
        self._trouble: str | None = None
        self._frame_s = self._look_s = 0.0
        self._sequence = 0
        self._lacking = ""
        self.small: Image | None = None

    def start(self) -> None:
        """Open the camera and let it run; CameraError where that fails."""
        if self._device is not None:
            return
        self._trouble = None
        device = within(OPEN_WITHIN_S, "opening the camera", self._open, late=lambda d: d.close())
        self._frame_s = self._clock.monotonic()
        self._device = device

    def burst(self, count: int, since_s: float) -> Iterator[Still]:
        """Yield up to `count` stills exposed after `since_s`, darker ones once a still is white."""
        if self._device is None:
            raise CameraError("the camera is not running")
        profile = self._chooser.profile
        lamp = self._ir_lamp if profile.ir_lamp else None
        exposure_us, shortened = float(profile.exposure_us), 0
        self._bursting = True
        try:
            with contextlib.nullcontext(since_s) if lamp is None else lamp.lit(since_s) as lit_s:
                since_s = max(since_s, lit_s)
                for number in range(count):
                    still = self._fresh_still(since_s, exposure_us)
                    since_s = still.exposed_at_s or since_s
                    yield still
                    white = white_share(still.image) > self._settings.saturated_share
                    if white and shortened < BRACKETS and number + 1 < count:
                        shortened += 1
                        exposure_us *= self._settings.bracket
                        self._say({"ExposureTime": round(exposure_us)})
        finally:
            self._bursting = False
            if shortened:
                self._say({"ExposureTime": profile.exposure_us})

    def fault(self) -> str | None:
        """One sentence when no frames come any more."""
        if self._trouble is not None:
            return self._trouble
        if self._device is None:
            return "the camera is not running"
        silent_s = self._clock.monotonic() - self._frame_s
        if silent_s > self._settings.lost_after_s:
            return f"no frame from the camera for {silent_s:.0f} s"
        return None

    def close(self) -> None:
        """Stop and let go of the camera, or leave it behind when it hangs."""
        device, self._device = self._device, None
        if device is None:
            return
        device.pre_callback = None
        try:
            within(CLOSE_WITHIN_S, "closing the camera", device.close)
        except (CameraError, RuntimeError, OSError) as error:
            logger.error("%s", error)

    def _open(self) -> Any:
        device = self._opener(self._settings.number)
        try:
            self._configure(device)
            device.start()
        except (RuntimeError, ValueError, KeyError, OSError) as error:
            device.close()
            raise CameraError(f"the camera cannot be configured: {error}") from error
        return device

    def _configure(self, device: Any) -> None:
        size = (self._settings.width, self._settings.height)
        controls = fixed_controls(self._settings, self._chooser.profile)
        if "ScalerCrop" in device.camera_controls:
            sensor = tuple(device.camera_controls["ScalerCrop"][1])
            controls["ScalerCrop"] = sensor_crop(sensor, self._settings.roi, *size)
        if (lacking := missing(controls, device.camera_controls)) != self._lacking:
            self._lacking = lacking
            logger.warning("this camera does not have %s", lacking)
        device.configure(
            device.create_video_configuration(
                main={"size": size, "format": self._format},
                lores={"size": LORES, "format": "YUV420"} if self._format == "RGB888" else None,
                controls=supported(controls, device.camera_controls),
                buffer_count=4,
                queue=False,  # a frame that waited in a queue would be older than it looks
                display=None,
                encode=None,
            )
        )
        device.pre_callback = self._frame_arrived

    def _fresh_still(self, since_s: float, exposure_us: float) -> Still:
        deadline_s = self._clock.monotonic() + self._settings.lost_after_s
        frames = 0
        while True:
            request = self._next_request(deadline_s)
            try:
                taken = request.get_metadata()
                exposed_s = _exposed_at_s(taken, exposure_us)
                if exposed_s <= since_s:
                    continue
                frames += 1
                if frames < LANDS_WITHIN_FRAMES and not _landed(taken, exposure_us):
                    continue
                image = to_bgr(request.make_array("main"), self._format)
            finally:
                request.release()
            self._sequence += 1
            return dated(
                turned(image, self._settings.rotation),
                f"camera {self._settings.number}",
                exposed_at_s=exposed_s,
                clock=self._clock,
                sequence=self._sequence,
            )

    def _next_request(self, deadline_s: float) -> Any:
        device, left_s = self._device, deadline_s - self._clock.monotonic()
        if device is None:
            raise CameraError("the camera was closed during a burst")
        try:
            if left_s <= 0:
                raise TimeoutError
            return device.wait(device.capture_request(wait=False), timeout=left_s)
        except TimeoutError:
            # The job that we gave up on would keep a buffer: this run of the camera is over.
            self._trouble = f"no fresh picture within {self._settings.lost_after_s:g} s"
            raise CameraError(self._trouble) from None
        except (RuntimeError, OSError) as error:
            self._trouble = f"the camera failed: {error}"
            raise CameraError(self._trouble) from error

    def _say(self, controls: dict[str, Any]) -> None:
        """Ask for controls, as far as this camera has them."""
        device = self._device
        if device is None:
            return
        try:
            device.set_controls(supported(controls, device.camera_controls))
        except (RuntimeError, OSError) as error:
            self._trouble = f"the camera takes no controls: {error}"
            logger.error("%s", self._trouble)

    def _frame_arrived(self, request: Any) -> None:
        """Called by picamera2's thread for every frame; must be quick."""
        now_s = self._clock.monotonic()
        self._frame_s = now_s
        if now_s - self._look_s < self._look_every_s:
            return
        self._look_s = now_s
        lores = self._format == "RGB888"
        size = LORES if lores else (self._settings.width, self._settings.height)
        grey = request.make_array("lores" if lores else "main")[: size[1], : size[0]]
        self.small = grey.copy()
        if not self._bursting and self._chooser.feed(float(grey[::4, ::4].mean()), now_s):
            logger.info("camera: %s exposure from now on", self._chooser.name)
            self._say(exposure_controls(self._chooser.profile))


def _exposed_at_s(taken: dict[str, Any], exposure_us: float) -> float:
    """When exposure of the first line began, on the monotonic clock."""
    stamp_ns = taken.get("SensorTimestamp")
    if stamp_ns is None:
        raise CameraError("the camera stamps no time on its frames: they cannot be proven fresh")
    return float(stamp_ns / 1e9 - taken.get("ExposureTime", exposure_us) / 1e6)


def _landed(taken: dict[str, Any], exposure_us: float) -> bool:
    """Whether this frame was exposed as long as was asked for."""
    really_us = float(taken.get("ExposureTime", exposure_us))
    return abs(really_us - exposure_us) <= EXPOSURE_TOLERANCE * exposure_us
