# SPDX-License-Identifier: Apache-2.0
"""Exposure control: day or night profile, saturation check, libcamera controls. Pure functions.

Exposure is fixed within a profile and never automatic. The brightness of the whole picture selects
the profile.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any, Literal

import numpy as np

from plategate.settings.camera import CameraSettings, ExposureProfile
from plategate.values import Image

ProfileName = Literal["day", "night"]
WHITE = 250
SAMPLE_EVERY_PX = 4
MANUAL_FOCUS = 0  # libcamera: AfModeManual


class ProfileChooser:
    """Chooses day or night from the brightness of frames taken without the lamp, with a delay."""

    def __init__(self, settings: CameraSettings) -> None:
        self._settings = settings
        self._contrary_since_s: float | None = None
        self.name: ProfileName = "night" if settings.profile == "night" else "day"

    @property
    def profile(self) -> ExposureProfile:
        """The profile in force."""
        return self._settings.night if self.name == "night" else self._settings.day

    def feed(self, brightness: float, now_s: float) -> bool:
        """Add the mean grey level of a frame; True if the profile has changed."""
        if self._settings.profile != "auto":
            return False
        if not self._is_contrary(brightness):
            self._contrary_since_s = None
            return False
        if self._contrary_since_s is None:
            self._contrary_since_s = now_s
        if now_s - self._contrary_since_s < self._settings.switch_after_s:
            return False
        self._contrary_since_s = None
        self.name = "day" if self.name == "night" else "night"
        return True

    def _is_contrary(self, brightness: float) -> bool:
        if self.name == "day":
            return brightness < self._settings.night_below
        return brightness > self._settings.day_above


def white_share(image: Image) -> float:
    """Share of saturated pixels in a BGR image (H x W x 3 uint8), estimated on a grid."""
    sample = image[::SAMPLE_EVERY_PX, ::SAMPLE_EVERY_PX].min(axis=2)
    return float(np.count_nonzero(sample >= WHITE) / sample.size)


def sensor_crop(
    sensor: tuple[int, int, int, int],
    roi: tuple[float, float, float, float],
    width: int,
    height: int,
) -> tuple[int, int, int, int]:
    """The sensor area (x, y, width, height) that shows `roi` without distortion.

    It has the aspect ratio of a still and is centred in the requested area.
    """
    x, y, full_width, full_height = sensor
    left, top, share_x, share_y = roi
    asked_width, asked_height = full_width * share_x, full_height * share_y
    scale = min(asked_width / width, asked_height / height)
    crop_width, crop_height = width * scale, height * scale
    crop_x = x + left * full_width + (asked_width - crop_width) / 2
    crop_y = y + top * full_height + (asked_height - crop_height) / 2
    return round(crop_x), round(crop_y), round(crop_width), round(crop_height)


def exposure_controls(profile: ExposureProfile) -> dict[str, Any]:
    """The libcamera controls that differ between day and night.

    White balance is off under the IR lamp, where it would hunt.
    """
    return {
        "AeEnable": False,
        "ExposureTime": profile.exposure_us,
        "AnalogueGain": profile.gain,
        "AwbEnable": not profile.ir_lamp,
    }


def start_controls(settings: CameraSettings, profile: ExposureProfile) -> dict[str, Any]:
    """All libcamera controls set when the camera starts: exposure, frame rate, focus."""
    frame_us = round(1e6 / settings.frames_per_s)
    controls = exposure_controls(profile) | {"FrameDurationLimits": (frame_us, frame_us)}
    if settings.focus_m is not None:
        # Continuous autofocus hunts on headlights; the lens position is fixed, in dioptres.
        controls |= {"AfMode": MANUAL_FOCUS, "LensPosition": 1 / settings.focus_m}
    return controls


def supported_controls(controls: dict[str, Any], known: Container[str]) -> dict[str, Any]:
    """The controls that this camera has; picamera2 raises on any other."""
    return {name: value for name, value in controls.items() if name in known}


def missing_controls(controls: dict[str, Any], known: Container[str]) -> str:
    """The names of the controls that this camera lacks, comma-separated."""
    return ", ".join(sorted(name for name in controls if name not in known))
