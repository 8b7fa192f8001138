# SPDX-License-Identifier: Apache-2.0
"""Decide between the day's and the night's exposure, and whether a still is blown out; pure.

Nothing here talks to a camera. Exposure is fixed within a profile: brightness of the whole picture
says whether it is day, plates say nothing about it.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from plategate.settings.camera import CameraSettings, ExposureProfile
from plategate.values import Image

ProfileName = Literal["day", "night"]
WHITE = 250
EVERY_NTH = 4


class ProfileChooser:
    """Day or night by the brightness of pictures taken without the lamp; slow on purpose."""

    def __init__(self, settings: CameraSettings) -> None:
        self._settings = settings
        self._against_since_s: float | None = None
        self.name: ProfileName = "night" if settings.profile == "night" else "day"

    @property
    def profile(self) -> ExposureProfile:
        """The profile in force."""
        return self._settings.night if self.name == "night" else self._settings.day

    def feed(self, brightness: float, now_s: float) -> bool:
        """Take the mean grey level of a picture; True when the profile has changed."""
        if self._settings.profile != "auto":
            return False
        if not self._speaks_against(brightness):
            self._against_since_s = None
            return False
        if self._against_since_s is None:
            self._against_since_s = now_s
        if now_s - self._against_since_s < self._settings.switch_after_s:
            return False
        self._against_since_s = None
        self.name = "day" if self.name == "night" else "night"
        return True

    def _speaks_against(self, brightness: float) -> bool:
        if self.name == "day":
            return brightness < self._settings.night_below
        return brightness > self._settings.day_above


def white_share(image: Image) -> float:
    """Share of points that are white to the last bit or nearly so (image: H x W x 3 uint8)."""
    sample = image[::EVERY_NTH, ::EVERY_NTH].min(axis=2)
    return float(np.count_nonzero(sample >= WHITE) / sample.size)


def sensor_crop(
    sensor: tuple[int, int, int, int],
    roi: tuple[float, float, float, float],
    width: int,
    height: int,
) -> tuple[int, int, int, int]:
    """The part of the sensor (x, y, width, height) that shows `roi` without stretching it.

    It has the proportions of a still and lies in the middle of the part that was asked for.
    """
    x, y, full_width, full_height = sensor
    left, top, share_x, share_y = roi
    asked_width, asked_height = full_width * share_x, full_height * share_y
    scale = min(asked_width / width, asked_height / height)
    crop_width, crop_height = width * scale, height * scale
    crop_x = x + left * full_width + (asked_width - crop_width) / 2
    crop_y = y + top * full_height + (asked_height - crop_height) / 2
    return round(crop_x), round(crop_y), round(crop_width), round(crop_height)
