# SPDX-License-Identifier: Apache-2.0
"""The [health] table: how long a part may be silent, and where it is told."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from plategate.settings.base import SettingsModel


class HealthSettings(SettingsModel):
    """When a part counts as hung, and where status and crash reports go."""

    socket: Path = Field(
        Path("/run/plategate/gate.sock"), description="local socket that `plategate status` asks"
    )
    crash_dir: Path = Field(
        Path("/var/lib/plategate/crashes"), description="folder of crash reports"
    )
    crashes_max: int = Field(20, ge=1, le=1000, description="crash reports kept; the oldest go")
    main_hang_s: float = Field(
        5.0, ge=1, le=60, description="silence of the main loop that counts as hung"
    )
    camera_hang_s: float = Field(
        10.0, ge=2, le=120, description="silence of the camera thread that counts as hung"
    )
    vision_hang_s: float = Field(
        20.0, ge=2, le=120, description="silence of the vision worker that counts as hung"
    )
