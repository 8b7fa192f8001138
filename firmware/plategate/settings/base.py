# SPDX-License-Identifier: Apache-2.0
"""The base of every settings model: frozen, and an unknown key is an error."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from pydantic.config import JsonDict

# Stands at a key, or at a table and so at all its keys, that a running gate takes over at a reload.
# Every other key needs a restart.
LIVE: JsonDict = {"reload": "live"}


class SettingsModel(BaseModel):
    """One table of settings.toml; fields carry default, unit, limits and whether they are live."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)
