# SPDX-License-Identifier: Apache-2.0
"""The [plates] table: which countries' plates to expect."""

from __future__ import annotations

from pydantic import Field

from plategate.settings.base import SettingsModel


class PlatesSettings(SettingsModel):
    """Countries, for plate formats and places of registration."""

    countries: tuple[str, ...] = Field(
        (),
        description='countries to expect, such as ["de", "at"]: their plate formats count as'
        " evidence, and their places of registration come first; empty: any",
    )
