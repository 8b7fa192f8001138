# SPDX-License-Identifier: Apache-2.0
"""Camera driver for ribbon cameras through picamera2 (settings: [camera] kind = picamera2).

One configuration runs all the time, with fixed exposure. The sensor time stamp proves that a still
is newer than the trigger. The IR lamp is on during a burst only. `gate` restarts a hanging camera.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator
from typing import Any

from plategate.clock import Clock
from plategate.errors import CameraError, CameraHangs
from plategate.hardware.camera.base import (
    CLOSE_TIMEOUT_S,
    OPEN_TIMEOUT_S,
    CameraDriver,
    rotate,
    small,
)
from plategate.hardware.camera.driver_calls import HEARTBEAT_EVERY_S
from plategate.hardware.camera.exposure import (
    ProfileChooser,
    exposure_controls,
    missing_controls,
    sensor_crop,
    start_controls,
    supported_controls,
    white_share,
)
from plategate.hardware.camera.frames import LORES, SnapshotExchange, lores_to_bgr, to_bgr
from plategate.hardware.gpio.relay import IrLamp
from plategate.settings.camera import CameraSettings
from plategate.values import Image, Still

logger = logging.getLogger(__name__)

# A control takes effect three or four frames after the request. After this many frames the still is
# taken with the exposure that it has.
CONTROL_DELAY_FRAMES = 10
EXPOSURE_TOLERANCE = 0.1
BRACKETS = 2


def open_picamera(number: int) -> Any:
    """Open the camera with picamera2; the only place that imports it."""
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


class PiCamera(CameraDriver):
    """Implements `interfaces.Camera`. Frames arrive in picamera2's own thread."""

    def __init__(
        self,
        *,
        settings: CameraSettings,
        clock: Clock,
        ir_lamp: IrLamp | None = None,
        opener: Callable[[int], Any] = open_picamera,
        pixel_format: str = "RGB888",
        sample_every_s: float = 1.0,
    ) -> None:
        super().__init__(settings=settings, clock=clock, label="the camera")
        self._ir_lamp = ir_lamp
        self._opener = opener
        self._format = pixel_format
        self._sample_every_s = sample_every_s
        self._chooser = ProfileChooser(settings)
        self._device: Any = None
        self._in_burst = False
        self._last_sample_s = 0.0
        self._missing_controls = ""
        self._grey_frame: Image | None = None
        self._snapshots = SnapshotExchange()

    @property
    def running(self) -> bool:
        """Whether the camera is open."""
        return self._device is not None

    @property
    def grey_frame(self) -> Image | None:
        """The newest frame in grey (360 x 640 from the low-resolution stream)."""
        return self._grey_frame

    def _start(self) -> None:
        """Open, configure and start the camera."""
        self._device = self._calls.call(
            OPEN_TIMEOUT_S, "opening the camera", self._open, late=lambda opened: opened.close()
        )

    def burst(self, count: int, since_s: float) -> Iterator[Still]:
        """Yield up to `count` stills exposed after `since_s`.

        After a saturated still the next ones are exposed shorter (bracketing).
        """
        if self._device is None:
            raise CameraError("the camera is not running")
        profile = self._chooser.profile
        lamp = self._ir_lamp if profile.ir_lamp else None
        exposure_us, shortened = float(profile.exposure_us), 0
        self._in_burst = True
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
                        self._set_controls({"ExposureTime": round(exposure_us)})
        finally:
            self._in_burst = False
            if shortened:
                self._set_controls({"ExposureTime": profile.exposure_us})

    def snapshot(self, *, whole: bool, within_s: float) -> Image:
        """The next frame: of the low-resolution stream, or a whole one outside bursts."""
        frame = self._snapshots.take(whole, within_s)
        if not whole and self._format == "RGB888":
            image = lores_to_bgr(frame)
        else:
            image = to_bgr(frame, self._format)
        return rotate(image if whole else small(image), self._settings.rotation)

    def use_region(self, roi: tuple[float, float, float, float]) -> None:
        """Use this region of interest from now on; the sensor crops."""
        super().use_region(roi)
        device = self._device
        if device is not None and "ScalerCrop" in device.camera_controls:
            sensor = tuple(device.camera_controls["ScalerCrop"][1])
            size = (self._settings.width, self._settings.height)
            self._set_controls({"ScalerCrop": sensor_crop(sensor, roi, *size)})

    def close(self) -> None:
        """Stop and close the camera; a driver that hangs is abandoned."""
        device, self._device = self._device, None
        if device is None:
            return
        device.pre_callback = None
        try:
            self._calls.call(CLOSE_TIMEOUT_S, "closing the camera", device.close)
        except CameraHangs as error:
            logger.error("%s; its thread is abandoned", error)
        except Exception as error:
            logger.error("closing the camera failed: %s", error)

    def _open(self) -> Any:
        device = self._opener(self._settings.number)
        try:
            self._configure(device)
            device.start()
        except Exception as error:
            device.close()
            raise CameraError(f"the camera cannot be configured: {error}") from error
        return device

    def _configure(self, device: Any) -> None:
        size = (self._settings.width, self._settings.height)
        controls = start_controls(self._settings, self._chooser.profile)
        if "ScalerCrop" in device.camera_controls:
            sensor = tuple(device.camera_controls["ScalerCrop"][1])
            controls["ScalerCrop"] = sensor_crop(sensor, self._roi, *size)
        if (names := missing_controls(controls, device.camera_controls)) != self._missing_controls:
            self._missing_controls = names
            logger.warning("this camera does not support %s", names)
        device.configure(
            device.create_video_configuration(
                main={"size": size, "format": self._format},
                lores={"size": LORES, "format": "YUV420"} if self._format == "RGB888" else None,
                controls=supported_controls(controls, device.camera_controls),
                buffer_count=4,
                queue=False,  # a queued frame would be older than the request for it
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
                metadata = request.get_metadata()
                exposed_at_s = _exposed_at_s(metadata, exposure_us)
                if exposed_at_s <= since_s:
                    continue
                frames += 1
                if frames < CONTROL_DELAY_FRAMES and not _has_exposure(metadata, exposure_us):
                    continue
                image = to_bgr(request.make_array("main"), self._format)
            except CameraError:
                raise
            except Exception as error:
                self._fault = f"the camera delivered an unusable frame: {error}"
                raise CameraError(self._fault) from error
            finally:
                request.release()
            return self._make_still(image, f"camera {self._settings.number}", exposed_at_s)

    def _next_request(self, deadline_s: float) -> Any:
        job: Any = None
        while (left_s := deadline_s - self._clock.monotonic()) > 0:
            if (device := self._device) is None:
                raise CameraError("the camera was closed during a burst")
            try:
                job = job or device.capture_request(wait=False)
                return device.wait(job, timeout=min(left_s, HEARTBEAT_EVERY_S))
            except TimeoutError:
                self._calls.heartbeat()
            except Exception as error:
                self._fault = f"the camera failed: {error}"
                raise CameraError(self._fault) from error
        # The abandoned request keeps a buffer, so the camera has to be restarted.
        self._fault = f"no fresh picture within {self._settings.lost_after_s:g} s"
        raise CameraError(self._fault)

    def _set_controls(self, controls: dict[str, Any]) -> None:
        """Set the controls that this camera supports."""
        device = self._device
        if device is None:
            return
        try:
            device.set_controls(supported_controls(controls, device.camera_controls))
        except (RuntimeError, OSError) as error:
            self._fault = f"the camera rejects controls: {error}"
            logger.error("%s", self._fault)

    def _frame_arrived(self, request: Any) -> None:
        """Callback in picamera2's thread for every frame; must return quickly."""
        self._count_frame()
        self._snapshots.offer(lambda whole: self._copied(request, whole))
        now_s = self._last_frame_s
        if now_s - self._last_sample_s < self._sample_every_s:
            return
        self._last_sample_s = now_s
        lores = self._format == "RGB888"
        size = LORES if lores else (self._settings.width, self._settings.height)
        grey = request.make_array("lores" if lores else "main")[: size[1], : size[0]]
        self._grey_frame = grey.copy()
        if not self._in_burst and self._chooser.feed(float(grey[::4, ::4].mean()), now_s):
            logger.info("camera: switched to the %s exposure", self._chooser.name)
            self._set_controls(exposure_controls(self._chooser.profile))

    def _copied(self, request: Any, whole: bool) -> Image | None:
        """A copy of the frame for a snapshot; whole ones wait for the end of a burst."""
        if whole and self._in_burst:
            return None
        has_lores = self._format == "RGB888"
        frame: Image = request.make_array("lores" if has_lores and not whole else "main")
        return frame.copy()


def _exposed_at_s(metadata: dict[str, Any], exposure_us: float) -> float:
    """The monotonic time at which the exposure of the first line began."""
    stamp_ns = metadata.get("SensorTimestamp")
    if stamp_ns is None:
        raise CameraError("frames carry no sensor time stamp, so their age cannot be proven")
    return float(stamp_ns / 1e9 - metadata.get("ExposureTime", exposure_us) / 1e6)


def _has_exposure(metadata: dict[str, Any], exposure_us: float) -> bool:
    """Whether this frame has the requested exposure time."""
    actual_us = float(metadata.get("ExposureTime", exposure_us))
    return abs(actual_us - exposure_us) <= EXPOSURE_TOLERANCE * exposure_us
