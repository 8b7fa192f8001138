# SPDX-License-Identifier: Apache-2.0
"""The [commands] table: the local socket that takes commands, and which user may give which."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from plategate.settings.base import SettingsModel
from plategate.settings.health import LONGEST_SOCKET_BYTES

CommandWord = Literal["open", "close", "hold", "release", "reset", "trigger", "mode"]
ALL: tuple[CommandWord, ...] = ("open", "close", "hold", "release", "reset", "trigger", "mode")


class CommandsSettings(SettingsModel):
    """Who may command the gate through its socket."""

    socket: Path = Field(
        Path("/run/plategate/command.sock"),
        description="local socket for `plategate open`, `close`, ... and for the console",
    )
    users: dict[str, tuple[CommandWord, ...]] = Field(
        default_factory=lambda: {"root": ALL, "plategate-console": ALL},
        description="commands that each system user may give; others may give none",
    )

    @field_validator("socket")
    @classmethod
    def _fits_an_address(cls, socket: Path) -> Path:
        length = len(os.fsencode(socket))
        if length > LONGEST_SOCKET_BYTES:
            raise ValueError(
                f"has {length} bytes, a socket at most {LONGEST_SOCKET_BYTES}; use a shorter path"
            )
        return socket
