# SPDX-License-Identifier: Apache-2.0
"""`plategate run`: the gate, or with --rehearse its rehearsal on pictures or on a scenario.

Exit status 0 when it ended in order, 1 when something failed, 130 after Ctrl-C in a rehearsal.
"""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command("run")(run)


def run(
    config: Annotated[Path | None, typer.Option(help="settings.toml")] = None,
    rehearse: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR|FILE",
            help="mock pins; stills from a folder of pictures, or a scenario (.toml)",
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
        typer.Option(help="folder for crops and annotated pictures; else a new one"),
    ] = None,
) -> None:
    """Run the gate until it is told to stop."""
    signal.signal(signal.SIGINT, _interrupted)
    if rehearse is None:
        from plategate.commands._run_gate import run_gate

        run_gate(config)
    elif rehearse.suffix == ".toml":
        from plategate.commands._run_scenario import run_scenario

        raise typer.Exit(run_scenario(rehearse))
    else:
        from plategate.commands._run_pictures import run_pictures

        raise typer.Exit(run_pictures(config, rehearse, lists or [], records, out))


def _interrupted(number: int, frame: FrameType | None) -> NoReturn:
    """Ctrl-C before the gate has taken over: nothing was moved yet, so just end."""
    del number, frame
    sys.exit(130)
