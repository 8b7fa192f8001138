# SPDX-License-Identifier: Apache-2.0
"""The [lane] table: triggers, reading attempts, waiting times, modes and their schedule."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from plategate.settings.base import LIVE, LIVE_OWNER, SettingsModel

TriggerName = Literal["beam", "inner_beam", "loop", "distance", "motion"]
ModeName = Literal["automatic", "locked", "open"]


class ModeWindow(SettingsModel):
    """A weekly window in which another mode applies."""

    hours: str = Field(min_length=1, description='such as "Mon-Fri 07:00-18:00", site time')
    mode: ModeName = Field(description="the mode during these hours")


class LaneSettings(SettingsModel):
    """One lane: triggers, attempts, waiting times, modes."""

    name: str = Field(
        "main", min_length=1, max_length=40, description="name of the lane in every passage"
    )
    triggers: tuple[TriggerName, ...] = Field(
        ("beam",), min_length=1, description="inputs that detect a vehicle"
    )
    combine: Literal["any", "all", "in_order"] = Field(
        "any", description="any of the triggers, all, or all in this order (direction)"
    )
    rearm_ms: int = Field(
        1000, ge=0, le=30_000, description="triggers quiet this long before the next vehicle, in ms"
    )
    stuck_after_s: float = Field(
        600.0, ge=10, le=86_400, description="a trigger active this long is ignored as stuck, in s"
    )
    stills: int = Field(
        3,
        ge=1,
        le=10,
        description="stills of one burst, at most",
        json_schema_extra=LIVE,
    )
    attempts: int = Field(
        4,
        ge=1,
        le=20,
        description="bursts for one vehicle that waits and is not let in",
        json_schema_extra=LIVE_OWNER,
    )
    retry_after_ms: int = Field(
        1500,
        ge=100,
        le=60_000,
        description="time between two bursts, in ms",
        json_schema_extra=LIVE,
    )
    read_within_s: float = Field(
        8.0, ge=1, le=60, description="time limit for reading a burst, in s"
    )
    judge_within_s: float = Field(2.0, ge=0.2, le=30, description="time limit for a verdict, in s")
    write_within_s: float = Field(
        3.0, ge=0.2, le=30, description="time limit for storing a grant; later it is void, in s"
    )
    repeat_window_s: float = Field(
        60.0,
        ge=0,
        le=3600,
        description="the same plate within this time is the same visit, in s",
        json_schema_extra=LIVE_OWNER,
    )
    show_result_s: float = Field(
        5.0,
        ge=0,
        le=60,
        description="how long the lamps show a result, in s",
        json_schema_extra=LIVE_OWNER,
    )
    manual_when_locked: bool = Field(
        True, description="the manual button works in mode locked", json_schema_extra=LIVE
    )
    free_exit_when_locked: bool = Field(
        True, description="free exit works in mode locked", json_schema_extra=LIVE
    )
    mode: ModeName = Field(
        "automatic",
        description="automatic: by the lists; locked: nobody; open: everybody",
        json_schema_extra=LIVE_OWNER,
    )
    schedule: tuple[ModeWindow, ...] = Field(
        (),
        description="other modes at weekly times; the first window that fits counts",
        json_schema_extra=LIVE_OWNER,
    )

    @model_validator(mode="after")
    def triggers_make_sense(self) -> Self:
        """Refuse a combination that no vehicle can trigger."""
        if len(set(self.triggers)) != len(self.triggers):
            raise ValueError("triggers names an input twice")
        if self.combine == "in_order" and len(self.triggers) < 2:
            raise ValueError("combine = in_order needs at least two triggers")
        return self
