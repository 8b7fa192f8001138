# SPDX-License-Identifier: Apache-2.0
"""The base of every settings model: frozen, and an unknown key is an error."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class SettingsModel(BaseModel):
    """One table of settings.toml; fields carry default, unit and limits."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)
