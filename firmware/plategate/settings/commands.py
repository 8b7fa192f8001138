# SPDX-License-Identifier: Apache-2.0
"""The [commands] table: the local socket that takes commands, and which user may give which."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from pydantic import Field

from plategate.settings.base import SettingsModel, SocketPath
from plategate.settings.state_paths import LANE_STATE, StatePath

CommandWord = Literal["open", "close", "hold", "release", "reset", "trigger", "mode"]
ALL: tuple[CommandWord, ...] = ("open", "close", "hold", "release", "reset", "trigger", "mode")
# Commands of the socket that move nothing.
DoorWord = Literal[
    "open",
    "close",
    "hold",
    "release",
    "reset",
    "trigger",
    "mode",
    "setting",
    "still",
    "acknowledge",
    "sample",
    "erase",
    "hold_passage",
    "end_hold",
    "occupancy",
]
EVERY: tuple[DoorWord, ...] = get_args(DoorWord)
CONSOLE = tuple(word for word in EVERY if word != "erase")


class CommandsSettings(SettingsModel):
    """Who may command the gate through its socket."""

    socket: SocketPath = Field(
        Path("/run/plategate/command.sock"),
        description="local socket for `plategate open`, `close`, ... and for the console",
    )
    users: dict[str, tuple[DoorWord, ...]] = Field(
        default_factory=lambda: {"root": EVERY, "plategate-console": CONSOLE},
        description="commands that each system user may give; others may give none",
    )
    preview_socket: SocketPath = Field(
        Path("/run/plategate/preview.sock"),
        description="local socket of the pictures for whoever aims the camera in the console",
    )
    owner_settings: bool = Field(
        True,
        description="the owner may change settings marked *owner* in the console; false: none,"
        " and earlier changes do not apply",
    )
    owner_settings_file: StatePath = Field(
        LANE_STATE / "owner-settings.json", description="file of the settings changed there"
    )
