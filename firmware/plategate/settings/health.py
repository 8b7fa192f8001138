# SPDX-License-Identifier: Apache-2.0
"""The [health] table: heartbeats, status socket and crash reports."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from plategate.settings.base import SettingsModel, SocketPath
from plategate.settings.state_paths import LANE_STATE, StatePath


class HealthSettings(SettingsModel):
    """How long a thread may be silent, and where status and crash reports go."""

    socket: SocketPath = Field(
        Path("/run/plategate/gate.sock"),
        description="local socket that `plategate status` connects to",
    )
    crash_dir: StatePath = Field(LANE_STATE / "crashes", description="folder of crash reports")
    crashes_max: int = Field(
        20, ge=1, le=1000, description="crash reports kept; the oldest are removed"
    )
    main_hang_s: float = Field(
        5.0, ge=1, le=60, description="the main loop hangs if it is silent for longer"
    )
    camera_hang_s: float = Field(
        10.0, ge=2, le=120, description="the camera thread hangs if it is silent for longer"
    )
    disk_hang_s: float = Field(
        120.0,
        ge=10,
        le=3600,
        description="silence of the workers that write the journal that counts as hung",
    )
    vision_hang_s: float = Field(
        20.0, ge=2, le=120, description="the vision worker hangs if it is silent for longer"
    )
