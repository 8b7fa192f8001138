# SPDX-License-Identifier: Apache-2.0
"""`plategate check-config`: check whether a gate can start with a settings file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command("check-config")(check_config)


def check_config(
    file: Annotated[
        Path | None, typer.Argument(help="settings.toml; default: the installed one")
    ] = None,
) -> None:
    """Check a settings file; names file, key, value and limit of every error."""
    from plategate.gate.startup import load_startable
    from plategate.gate.without_relay import NO_LINE
    from plategate.settings import load_layers

    settings = load_startable(file)
    for sentence in load_layers(file).ignored:
        print(f"{file or 'settings'}: {sentence}")
    for key in settings.superseded_keys:
        print(f"{file or 'settings'}: {key}: superseded by plates.countries")
    print(f"{file or 'settings'}: valid" + ("" if settings.pins.used else f"; {NO_LINE}"))
