# SPDX-License-Identifier: Apache-2.0
"""`plategate list export|template`: write a list, or an empty workbook to fill in, to a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from plategate.commands.lists import Which
from plategate.commands.lists import app as list_app
from plategate.commands.shared.lists import State, access_settings, list_name
from plategate.errors import OutputError, reason_of
from plategate.terminal import Config


def register(root: typer.Typer) -> None:
    """Add the commands to the group `list`."""
    del root  # `list` is a group of its own
    list_app.command("export")(export)
    list_app.command("template")(template)


def export(
    file: Annotated[
        Path, typer.Argument(help="ends in .csv, .json or .xlsx; - writes to standard output")
    ],
    which: Which = "allow",
    form: Annotated[
        str | None,
        typer.Option("--format", help="csv, json or xlsx; default: the ending of the file"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="replace a file that exists")] = False,
    config: Config = None,
    state: State = None,
) -> None:
    """Write the entries in force to a file that `list import` reads; times are site time."""
    from contextlib import closing

    from plategate.access.files.export import export_file, writer_for
    from plategate.access.store.database import open_for_reading
    from plategate.access.store.lists import all_entries
    from plategate.schedule.zone import site_zone

    settings = access_settings(config, state)
    name, zone = list_name(which), site_zone(settings.zone)
    with closing(open_for_reading(settings.file)) as store:
        entries = all_entries(store, name)
        if str(file) == "-":
            sys.stdout.flush()
            try:
                writer_for(form or "csv")(sys.stdout.buffer, entries, zone, name)
            except BrokenPipeError:
                raise
            except OSError as error:
                raise OutputError(f"standard output: {reason_of(error)}") from error
            return
        count = export_file(file, entries, zone, name, form=form, replace=force)
    print(f"{count} entries of the {name} list written to {file}")


def template(
    file: Annotated[Path, typer.Argument(help="ends in .xlsx")],
    force: Annotated[bool, typer.Option("--force", help="replace a file that exists")] = False,
) -> None:
    """Write an empty workbook to fill in for `list import`; its second sheet explains it."""
    from plategate.access.files.workbooks import write_template
    from plategate.durable_files import replace_file
    from plategate.errors import ListError

    if file.suffix.lower() != ".xlsx":
        raise typer.BadParameter(f"{file}: must end in .xlsx")
    if file.exists() and not force:
        raise ListError(f"{file}: exists already; use --force to replace it")
    try:
        replace_file(file, write_template())
    except OSError as error:
        raise ListError(f"{file}: cannot be written: {reason_of(error)}") from error
    print(f"{file} written; fill in the sheet plates and import it with plategate list import")
