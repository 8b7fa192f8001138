# SPDX-License-Identifier: Apache-2.0
"""The [camera] table: which camera, what it sees, and how long it is exposed by day and by night.

Exposure is fixed for plates and never automatic: a plate that is a little dark can be read, one
that is blown out or smeared cannot.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from plategate.settings.base import SettingsModel


class ExposureProfile(SettingsModel):
    """Exposure for plates. 1/250 s stops a car that rolls at up to 22 km/h."""

    exposure_us: int = Field(4000, ge=50, le=100_000, description="exposure time, in microseconds")
    gain: float = Field(1.0, ge=1.0, le=16.0, description="analogue gain")
    ir_lamp: bool = Field(False, description="switch the IR lamp on for every burst")


class NightExposure(ExposureProfile):
    """The same by night; a key that is not set has the night's default, not the day's."""

    exposure_us: int = Field(2000, ge=50, le=100_000, description="exposure time, in microseconds")
    gain: float = Field(4.0, ge=1.0, le=16.0, description="analogue gain")
    ir_lamp: bool = Field(True, description="switch the IR lamp on for every burst")


class CameraSettings(SettingsModel):
    """One camera in one running configuration."""

    kind: Literal["picamera2", "v4l2", "video", "folder"] = Field(
        "picamera2", description="picamera2: ribbon camera; v4l2: USB camera; video, folder: files"
    )
    number: int = Field(0, ge=0, le=3, description="which ribbon camera")
    device: str = Field("/dev/video0", description="the USB camera's device")
    path: Path | None = Field(None, description="video: the file; folder: the pictures")
    width: int = Field(1536, ge=320, le=4608, description="width of a still, in pixels")
    height: int = Field(864, ge=240, le=2592, description="height of a still, in pixels")
    frames_per_s: float = Field(30.0, ge=1, le=60, description="frames per second")
    rotation: Literal[0, 90, 180, 270] = Field(0, description="turn stills clockwise, in degrees")
    roi: tuple[float, float, float, float] = Field(
        (0.0, 0.0, 1.0, 1.0),
        description="left, top, width, height of what is looked at; fractions of the whole sensor",
    )
    focus_m: float | None = Field(
        None, ge=0.1, le=100, description="distance of the plate, in metres; empty: no motor focus"
    )
    day: ExposureProfile = Field(default_factory=ExposureProfile)
    night: NightExposure = Field(default_factory=NightExposure)
    profile: Literal["auto", "day", "night"] = Field(
        "auto", description="auto: by the light that the camera measures"
    )
    night_below: float = Field(
        30.0, ge=1, le=200, description="auto: night when the day's picture is darker (0 to 255)"
    )
    day_above: float = Field(
        120.0, ge=2, le=250, description="auto: day when the night's picture is brighter (0 to 255)"
    )
    switch_after_s: float = Field(
        20.0, ge=1, le=600, description="auto: the light must last this long, in seconds"
    )
    bracket: float = Field(
        0.4, gt=0.05, le=1.0, description="shorten exposure by this factor when stills saturate"
    )
    saturated_share: float = Field(
        0.02, gt=0, le=0.5, description="a still saturates when this share of its points is white"
    )
    lost_after_s: float = Field(
        3.0, ge=0.5, le=30, description="the camera is lost when no frame came for this long, in s"
    )
    delay_ms: int = Field(
        150, ge=0, le=2000,
        description="v4l2: a frame may have been exposed this long before it arrived, in ms",
    )  # fmt: skip

    @model_validator(mode="after")
    def complete(self) -> Self:
        """Refuse settings that contradict each other."""
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
