# SPDX-License-Identifier: Apache-2.0
"""The [commands] table: the local socket that takes commands, and which user may give which."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from plategate.settings.base import SettingsModel, SocketPath

CommandWord = Literal["open", "close", "hold", "release", "reset", "trigger", "mode"]
ALL: tuple[CommandWord, ...] = ("open", "close", "hold", "release", "reset", "trigger", "mode")


class CommandsSettings(SettingsModel):
    """Who may command the gate through its socket."""

    socket: SocketPath = Field(
        Path("/run/plategate/command.sock"),
        description="local socket for `plategate open`, `close`, ... and for the console",
    )
    users: dict[str, tuple[CommandWord, ...]] = Field(
        default_factory=lambda: {"root": ALL, "plategate-console": ALL},
        description="commands that each system user may give; others may give none",
    )
