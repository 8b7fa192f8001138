# SPDX-License-Identifier: Apache-2.0
"""`plategate check-config`: says whether a gate can start with a file, and what is wrong if not."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command("check-config")(check_config)


def check_config(
    file: Annotated[
        Path | None, typer.Argument(help="settings.toml; default: the one in force")
    ] = None,
) -> None:
    """Check a settings file; names file, key, value and limit of everything that is wrong."""
    from plategate.gate.startable import load_startable
    from plategate.gate.without_relay import SENTENCE

    settings = load_startable(file)
    print(f"{file or 'settings'}: all right" + ("" if settings.pins.used else f"; {SENTENCE}"))
