# SPDX-License-Identifier: Apache-2.0
"""The [lamps] table: options of the status lamps and the buzzer; their lines are in [pins]."""

from __future__ import annotations

from pydantic import Field

from plategate.settings.base import SettingsModel


class LampsSettings(SettingsModel):
    """Status lamps and buzzer. The rhythms are fixed (docs/owner/lamps.md)."""

    buzzer_for_results: bool = Field(
        True, description="sound one tone for granted, two for refused, three for unsure"
    )
    buzzer_for_fire: bool = Field(
        True, description="sound continuously while the fire input is active"
    )
    dark_when_ready: bool = Field(
        False, description="keep the lamps dark while ready, where a flashing lamp disturbs"
    )
