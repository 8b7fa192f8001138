# SPDX-License-Identifier: Apache-2.0
"""The [barrier] table: how the arm is driven, its travel times, and when it may close."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from plategate.settings.base import SettingsModel


class BarrierSettings(SettingsModel):
    """One barrier, which must have its own force limit; its lines are in [pins]."""

    style: Literal["pulse", "hold", "open_and_close"] = Field(
        "pulse",
        description="pulse: the barrier closes by itself; hold: up while the relay is on; "
        "open_and_close: one pulse each",
    )
    pulse_ms: int = Field(
        400, ge=50, le=3000, description="length of a pulse, in ms; most barriers latch at 200"
    )
    longest_pulse_ms: int = Field(
        3000, ge=50, le=5000, description="upper limit of a pulse under any failure, in ms"
    )
    move_gap_ms: int = Field(
        1000, ge=100, le=10_000, description="minimum time between two pulses, in ms"
    )
    travel_s: float = Field(
        6.0, ge=0.5, le=60, description="longest travel of the arm from end to end, in s"
    )
    auto_close_s: float = Field(
        10.0, ge=0, le=600, description="style pulse: time until the barrier closes by itself, in s"
    )
    open_for_s: float = Field(
        6.0, ge=0.5, le=120,
        description="open this long where no input counts vehicles under the arm, in s",
    )  # fmt: skip
    pass_within_s: float = Field(
        45.0, ge=2, le=600, description="time limit for a granted vehicle to pass, in s"
    )
    vehicle_gap_ms: int = Field(
        400, ge=0, le=5000, description="a shorter gap under the arm counts as a trailer, in ms"
    )
    close_after_s: float = Field(
        2.0, ge=0, le=60, description="safety inputs clear this long before closing, in s"
    )
    forced_after_s: float = Field(
        1.0, ge=0.1, le=30, description="not down this long without a command: forced open, in s"
    )
    forced_open: Literal["fault", "report"] = Field(
        "fault", description="use report where the barrier has its own remote control"
    )
    blocked_report_s: float = Field(
        60.0, ge=5, le=3600, description="a blocked arm is reported after this time, in s"
    )

    @model_validator(mode="after")
    def pulse_within_its_bound(self) -> Self:
        """Refuse a pulse longer than its limit."""
        if self.pulse_ms > self.longest_pulse_ms:
            raise ValueError("pulse_ms must not be longer than longest_pulse_ms")
        return self
