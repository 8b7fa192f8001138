# SPDX-License-Identifier: Apache-2.0
"""`plategate bench`: which file and runtime of each network is cheapest on this machine."""

from __future__ import annotations

import platform
from typing import Annotated

import typer

from plategate.terminal import Config


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command("bench")(bench)


def bench(
    write: Annotated[
        bool, typer.Option("--write", help="use the choice from now on (vision.choice_file)")
    ] = False,
    config: Config = None,
) -> None:
    """Measure every file and runtime of the networks; takes a few seconds."""
    from plategate.errors import StoreError, reason_of_own
    from plategate.settings import load_settings
    from plategate.vision.bench import measure
    from plategate.vision.choice import ModelChoice, write_choices

    vision = load_settings(config).vision
    choices: dict[str, ModelChoice] = {}
    for candidates in measure(vision.models_dir):
        for one in candidates:
            cost = one.failure if one.milliseconds is None else f"{one.milliseconds:7.2f} ms"
            mark = "*" if one.chosen else " "
            print(f"{mark} {one.choice.table:28} {one.choice.runtime:28} {cost}")
            if one.chosen:
                choices[one.network] = one.choice
    print("* chosen: processor time of one run, one thread, the median of several")
    if not write:
        return
    try:
        write_choices(vision.choice_file, choices, {"machine": platform.machine()})
    except OSError as error:
        raise StoreError(f"{vision.choice_file}: {reason_of_own(error)}") from error
    print(f"written to {vision.choice_file}; a running gate uses it after a restart")
