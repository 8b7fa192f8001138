# SPDX-License-Identifier: Apache-2.0
"""`plategate run`: run the gate, or with --rehearse a rehearsal on pictures or a scenario.

Exit status 0 after an orderly end, 1 after a failure, 130 after Ctrl-C in a rehearsal.
"""

from __future__ import annotations

import signal
import sys
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer

from plategate.gate.signals import release_signals
from plategate.terminal import Config


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command("run")(run)


def run(
    config: Config = None,
    rehearse: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR|FILE",
            help="on mock pins, with a folder of pictures or a scenario (.toml)",
        ),
    ] = None,
    lists: Annotated[
        list[Path] | None,
        typer.Option(help="allow.csv, block.csv or wanted.csv; default: those in the folder"),
    ] = None,
    records: Annotated[
        Path | None, typer.Option(help="vehicle records; default: records.csv in the folder")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="folder for crops, annotated pictures and journal; default: none"),
    ] = None,
) -> None:
    """Run the gate until it is stopped."""
    signal.signal(signal.SIGINT, _interrupted)
    if rehearse is None:
        run_gate_of(config)
        return
    release_signals()
    if rehearse.suffix == ".toml":
        from plategate.commands.shared.rehearse_scenario import run_scenario

        raise typer.Exit(run_scenario(rehearse))
    else:
        from plategate.commands.shared.rehearse_pictures import run_pictures

        raise typer.Exit(run_pictures(config, rehearse, lists or [], records, out))


def run_gate_of(config: Path | None) -> None:
    """Run on the board; the installed gate falls back to the last good settings.

    Without valid settings it runs without relay and reports why.
    """
    from plategate.errors import SettingsError
    from plategate.gate.build import run_gate, run_without_settings
    from plategate.gate.owner_settings import OwnerSettings
    from plategate.gate.reload import SettingsFile
    from plategate.gate.startup import load_startable
    from plategate.logs import log_to_stderr
    from plategate.settings import DEFAULT_FILE, Settings, load_file, load_health_settings
    from plategate.settings.last_good import LAST_GOOD, keep_as_good, load_or_last_good

    log_to_stderr()
    name = str(config or "settings")
    owner = OwnerSettings(lambda: load_file(config), name)
    file = SettingsFile(name, owner.read, owner=owner)

    def load(path: Path) -> Settings:
        return owner.read() if path == config else load_startable(path)

    try:
        if config == DEFAULT_FILE:
            file = replace(file, keep=lambda: keep_as_good(config, LAST_GOOD))
            settings, wrong = load_or_last_good(config, LAST_GOOD, load)
        else:
            settings, wrong = owner.read(), None
    except SettingsError as error:
        run_without_settings(str(error), load_health_settings(config))
    else:
        run_gate(settings, wrong, file)


def _interrupted(number: int, frame: FrameType | None) -> NoReturn:
    """Exit on Ctrl-C before the gate has installed its own handler; nothing has moved yet."""
    del number, frame
    sys.exit(130)
