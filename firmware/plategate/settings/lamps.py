# SPDX-License-Identifier: Apache-2.0
"""The [lamps] table: what the status lamps and the buzzer may do; their lines are in [pins]."""

from __future__ import annotations

from pydantic import Field

from plategate.settings.base import SettingsModel


class LampsSettings(SettingsModel):
    """Status lamps and buzzer. The lamp language itself is fixed (docs/lamps.md)."""

    buzzer_for_results: bool = Field(
        True, description="one tone when granted, two when refused, three when unsure"
    )
    buzzer_for_fire: bool = Field(True, description="sound all the time while fire is signalled")
    dark_when_ready: bool = Field(
        False, description="no flash while ready, for sites where a lamp at night disturbs"
    )
