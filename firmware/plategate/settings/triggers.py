# SPDX-License-Identifier: Apache-2.0
"""The [triggers] table: thresholds of the ultrasonic sensor and of motion detection.

[lane] says which inputs trigger and how they are combined; [pins] has the wired contacts.
"""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from plategate.settings.base import SettingsModel

NARROWEST_HYSTERESIS_M = 0.05


class DistanceSettings(SettingsModel):
    """The ultrasonic sensor. It may trigger; it is never a safety input."""

    near_m: float = Field(
        1.0, ge=0.1, le=3.5, description="below this distance a vehicle is present, in metres"
    )
    far_m: float = Field(
        1.3, ge=0.15, le=4.0, description="above this distance it has left, in metres"
    )
    closest_m: float = Field(
        0.05,
        ge=0.02,
        le=0.5,
        description="shorter distances are ignored: dirt or ice on the sensor, in metres",
    )
    every_ms: int = Field(100, ge=60, le=2000, description="interval between measurements, in ms")
    echoes: int = Field(5, ge=3, le=15, description="the median of this many measurements is used")
    lost_after: int = Field(
        10,
        ge=3,
        le=200,
        description="after this many measurements without an echo the sensor is unknown",
    )
    frozen_after: int = Field(
        0, ge=0, le=10_000,
        description="after this many identical measurements the sensor is unknown; 0: never",
    )  # fmt: skip
    temperature_c: float = Field(
        15.0, ge=-40, le=60,
        description="air temperature, in degrees C; 10 degrees change a distance by 1.8 percent",
    )  # fmt: skip

    @model_validator(mode="after")
    def thresholds_in_order(self) -> Self:
        """Reject thresholds that are too close or in the wrong order."""
        if self.far_m - self.near_m < NARROWEST_HYSTERESIS_M - 1e-9:
            raise ValueError(
                f"far_m must be at least {NARROWEST_HYSTERESIS_M} m larger than near_m"
            )
        if self.closest_m >= self.near_m:
            raise ValueError("closest_m must be nearer than near_m")
        return self


class MotionSettings(SettingsModel):
    """Motion detection in the camera's small picture, for sites without a sensor."""

    enabled: bool = Field(False, description="detect motion")
    every_ms: int = Field(
        200, ge=50, le=2000, description="interval between compared frames, in ms"
    )
    zone: tuple[float, float, float, float] = Field(
        (0.0, 0.0, 1.0, 1.0), description="left, top, width, height as fractions of the picture"
    )
    difference: int = Field(
        25, ge=5, le=120, description="grey levels by which a pixel must differ from the background"
    )
    start_share: float = Field(
        0.04, gt=0, le=0.9, description="motion begins when this share of the zone differs"
    )
    end_share: float = Field(
        0.015, ge=0, le=0.9, description="motion ends when less than this share differs"
    )
    looks: int = Field(2, ge=1, le=20, description="number of consecutive frames that must agree")
    flood_share: float = Field(
        0.7, gt=0.1, le=1, description="a larger share is a change of light, not a vehicle"
    )
    forget_s: float = Field(
        60.0, ge=2, le=3600, description="time in which a still object becomes background, in s"
    )

    @model_validator(mode="after")
    def shares_in_order(self) -> Self:
        """Reject thresholds and zones that cannot work."""
        if not self.end_share < self.start_share < self.flood_share:
            raise ValueError("end_share < start_share < flood_share must hold")
        left, top, width, height = self.zone
        if min(self.zone) < 0 or left + width > 1 or top + height > 1 or not width * height > 0:
            raise ValueError("zone must lie within the picture (0 to 1)")
        return self


class TriggersSettings(SettingsModel):
    """Sensors other than plain contacts."""

    distance: DistanceSettings = Field(default_factory=DistanceSettings)
    motion: MotionSettings = Field(default_factory=MotionSettings)
