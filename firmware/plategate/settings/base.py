# SPDX-License-Identifier: Apache-2.0
"""Base class of every settings model (frozen, an unknown key is an error), and shared types."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationInfo, field_validator
from pydantic.config import JsonDict

# Marks a key, or a table and thereby all its keys, that a running gate adopts at a reload. Every
# other key needs a restart.
LIVE: JsonDict = {"reload": "live"}
# Marks a key that the owner may change in the console (overlay.py).
OWNER: JsonDict = {"owner": True}
LIVE_OWNER: JsonDict = {**LIVE, **OWNER}
# The address of a Unix socket has 108 bytes, one of them for the end.
LONGEST_SOCKET_BYTES = 107


def _fits_an_address(socket: Path) -> Path:
    length = len(os.fsencode(socket))
    if length > LONGEST_SOCKET_BYTES:
        raise ValueError(
            f"has {length} bytes, a socket at most {LONGEST_SOCKET_BYTES}; use a shorter path"
        )
    return socket


# Where a local socket is.
SocketPath = Annotated[Path, AfterValidator(_fits_an_address)]


class SettingsModel(BaseModel):
    """One table of settings.toml; fields declare default, limits, meaning and reload."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False
    )

    @field_validator("*", mode="before")
    @classmethod
    def _no_switch_for_a_number(cls, value: object, field: ValidationInfo) -> object:
        """Refuse true and false for numbers, which Python would accept as 1 and 0."""
        kind = cls.model_fields[field.field_name or ""].annotation
        if isinstance(value, bool) and kind is not bool and bool not in get_args(kind):
            raise ValueError("cannot be true or false")
        return value
