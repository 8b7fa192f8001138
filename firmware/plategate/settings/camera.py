# SPDX-License-Identifier: Apache-2.0
"""The [camera] table: driver, picture size, region of interest, exposure by day and by night.

Exposure is fixed and never automatic: a plate that is a little dark can be read, an overexposed or
motion-blurred one cannot.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from plategate.settings.base import LIVE_OWNER, SettingsModel


class ExposureProfile(SettingsModel):
    """Exposure for plates. 1/250 s freezes a car at up to 22 km/h."""

    exposure_us: int = Field(4000, ge=50, le=100_000, description="exposure time, in microseconds")
    gain: float = Field(1.0, ge=1.0, le=16.0, description="analogue gain")
    ir_lamp: bool = Field(False, description="switch the IR lamp on for every burst")


class NightExposure(ExposureProfile):
    """Exposure at night; a missing key has the default of the night, not of the day."""

    exposure_us: int = Field(2000, ge=50, le=100_000, description="exposure time, in microseconds")
    gain: float = Field(4.0, ge=1.0, le=16.0, description="analogue gain")
    ir_lamp: bool = Field(True, description="switch the IR lamp on for every burst")


class CameraSettings(SettingsModel):
    """One camera with one configuration."""

    kind: Literal["picamera2", "v4l2", "video", "folder"] = Field(
        "picamera2", description="picamera2: ribbon camera; v4l2: USB camera; video, folder: files"
    )
    number: int = Field(0, ge=0, le=3, description="number of the ribbon camera")
    device: str = Field("/dev/video0", description="the USB camera's device")
    path: Path | None = Field(None, description="video: the file; folder: the pictures")
    width: int = Field(1536, ge=320, le=4608, description="width of a still, in pixels")
    height: int = Field(864, ge=240, le=2592, description="height of a still, in pixels")
    frames_per_s: float = Field(30.0, ge=1, le=60, description="frames per second")
    rotation: Literal[0, 90, 180, 270] = Field(0, description="turn stills clockwise, in degrees")
    roi: tuple[float, float, float, float] = Field(
        (0.0, 0.0, 1.0, 1.0),
        description="region of interest: left, top, width, height as fractions of the sensor",
        json_schema_extra=LIVE_OWNER,
    )
    focus_m: float | None = Field(
        None, ge=0.1, le=100, description="focus distance, in metres; empty: the lens has no motor"
    )
    day: ExposureProfile = Field(default_factory=ExposureProfile)
    night: NightExposure = Field(default_factory=NightExposure)
    profile: Literal["auto", "day", "night"] = Field(
        "auto", description="auto: chosen by the brightness of the picture"
    )
    night_below: float = Field(
        30.0, ge=1, le=200, description="auto: night if the picture by day is darker (0 to 255)"
    )
    day_above: float = Field(
        120.0, ge=2, le=250, description="auto: day if the picture at night is brighter (0 to 255)"
    )
    switch_after_s: float = Field(
        20.0, ge=1, le=600, description="auto: the brightness must last this long, in seconds"
    )
    bracket: float = Field(
        0.4,
        gt=0.05,
        le=1.0,
        description="factor that shortens the exposure after a saturated still",
    )
    saturated_share: float = Field(
        0.02,
        gt=0,
        le=0.5,
        description="share of white pixels from which a still counts as saturated",
    )
    lost_after_s: float = Field(
        3.0,
        ge=0.5,
        le=30,
        description="without a frame for this long the camera counts as lost, in s",
    )
    delay_ms: int = Field(
        150, ge=0, le=2000,
        description="v4l2: longest time from exposure to arrival of a frame, in ms",
    )  # fmt: skip

    @model_validator(mode="after")
    def complete(self) -> Self:
        """Reject settings that contradict each other."""
        if self.kind in ("video", "folder") and self.path is None:
            raise ValueError(f"kind = {self.kind} needs path")
        left, top, width, height = self.roi
        if min(self.roi) < 0 or left + width > 1 or top + height > 1 or not width * height > 0:
            raise ValueError("roi must lie within the picture (0 to 1)")
        if self.night_below >= self.day_above:
            raise ValueError("night_below must be darker than day_above")
        longest_us = 1e6 / self.frames_per_s
        for name in ("day", "night"):
            if getattr(self, name).exposure_us > longest_us:
                raise ValueError(f"{name}.exposure_us must fit into a frame ({longest_us:.0f} us)")
        return self
