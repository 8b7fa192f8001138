# SPDX-License-Identifier: Apache-2.0
"""`plategate read`: read the plates in pictures; uses neither lists nor pins.

Exit status 0 if all pictures were processed, 1 if one had an error, 2 for wrong usage.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from plategate.terminal import Config


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command("read")(read)


def read(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="pictures, or folders of pictures")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="one JSON line a picture")] = False,
    crops: Annotated[Path | None, typer.Option(help="folder for the cropped plates")] = None,
    steps: Annotated[
        Path | None, typer.Option(help="folder for pictures of every processing stage")
    ] = None,
    annotate: Annotated[
        Path | None, typer.Option(help="folder for the pictures with outlined and labelled plates")
    ] = None,
    config: Config = None,
) -> None:
    """Read the number plates in pictures."""
    from plategate.commands.shared import pictures, plates
    from plategate.commands.shared.picture_files import PictureFolders
    from plategate.errors import ImageError, printable
    from plategate.settings import load_settings
    from plategate.vision.pipeline import build_pipeline

    settings = load_settings(config)
    pipeline = build_pipeline(settings.vision, countries=settings.format_countries)
    folders = PictureFolders(crops=crops, steps=steps, annotate=annotate)
    failed = False
    for outcome in pictures.read_pictures(pipeline, files):
        failed = failed or outcome.error is not None
        if outcome.reading is not None:
            try:
                folders.write(outcome.file, outcome.reading)
            except ImageError as error:
                failed = True
                print(printable(f"{outcome.file}: {error}"), file=sys.stderr)
        if as_json:
            print(plates.json_line(plates.as_json(outcome)))
        else:
            for line in plates.as_lines(outcome):
                print(line, file=sys.stdout if outcome.error is None else sys.stderr)
    raise typer.Exit(1 if failed else 0)
