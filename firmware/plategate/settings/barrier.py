# SPDX-License-Identifier: Apache-2.0
"""The [barrier] table: how the arm is driven, how long it takes, and when it may come down."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from plategate.settings.base import SettingsModel


class BarrierSettings(SettingsModel):
    """One barrier with a force limit of its own; its lines are in [pins]."""

    style: Literal["pulse", "hold", "open_and_close"] = Field(
        "pulse",
        description="pulse: it closes by itself; hold: up while the relay is on; "
        "open_and_close: a pulse for each",
    )
    pulse_ms: int = Field(
        400, ge=50, le=3000, description="length of a pulse, in ms; most boards latch at 200"
    )
    longest_pulse_ms: int = Field(
        3000, ge=50, le=5000, description="no pulse is longer, whatever fails, in ms"
    )
    move_gap_ms: int = Field(
        1000, ge=100, le=10_000, description="least time between two pulses, in ms"
    )
    travel_s: float = Field(
        6.0, ge=0.5, le=60, description="the arm reaches its end within this time, in s"
    )
    auto_close_s: float = Field(
        10.0, ge=0, le=600, description="style pulse: it begins to close by itself after this, in s"
    )
    open_for_s: float = Field(
        6.0, ge=0.5, le=120,
        description="kept up this long where nothing counts vehicles under the arm, in s",
    )  # fmt: skip
    pass_within_s: float = Field(
        45.0, ge=2, le=600, description="a vehicle that was let in has this long to drive, in s"
    )
    vehicle_gap_ms: int = Field(
        400, ge=0, le=5000, description="a shorter gap under the arm is a trailer, in ms"
    )
    close_after_s: float = Field(
        2.0, ge=0, le=60, description="safety inputs are quiet this long before it closes, in s"
    )
    forced_after_s: float = Field(
        1.0, ge=0.1, le=30, description="not down for this long, unasked, is forced open, in s"
    )
    forced_open: Literal["fault", "report"] = Field(
        "fault", description="report: where the barrier has a remote control of its own"
    )
    blocked_report_s: float = Field(
        60.0, ge=5, le=3600, description="something under the arm is reported after this, in s"
    )

    @model_validator(mode="after")
    def pulse_within_its_bound(self) -> Self:
        """Refuse a pulse that would always be cut short."""
        if self.pulse_ms > self.longest_pulse_ms:
            raise ValueError("pulse_ms must not be longer than longest_pulse_ms")
        return self
