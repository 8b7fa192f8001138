# SPDX-License-Identifier: Apache-2.0
"""Commands as the command socket hands them to the lane, for tests."""

from __future__ import annotations

import math

from plategate.messages import CommandName, CommandRequested, Mode


def commanded(
    name: str, source: str = "console", until_s: float = math.inf, mode: Mode | None = None
) -> CommandRequested:
    """A command that expires at `until_s`."""
    return CommandRequested("request", CommandName(name), source, until_s, mode)
