# SPDX-License-Identifier: Apache-2.0
"""The base of every settings model: frozen, and an unknown key is an error."""

from __future__ import annotations

from typing import get_args

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator
from pydantic.config import JsonDict

# Stands at a key, or at a table and so at all its keys, that a running gate takes over at a reload.
# Every other key needs a restart.
LIVE: JsonDict = {"reload": "live"}


class SettingsModel(BaseModel):
    """One table of settings.toml; fields carry default, unit, limits and whether they are live."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    @field_validator("*", mode="before")
    @classmethod
    def _no_switch_for_a_number(cls, value: object, field: ValidationInfo) -> object:
        """Python takes true for 1, which as a limit or a confidence is never meant."""
        kind = cls.model_fields[field.field_name or ""].annotation
        if isinstance(value, bool) and kind is not bool and bool not in get_args(kind):
            raise ValueError("cannot be true or false")
        return value
