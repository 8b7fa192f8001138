# SPDX-License-Identifier: Apache-2.0
"""`plategate list import`: replace the source of a list by a file, or show what would change."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plategate.access.files.dates import DateOrder
from plategate.commands.lists import app as list_app
from plategate.commands.shared.list_changes import Limit, Who, Why, print_differences
from plategate.commands.shared.lists import (
    State,
    access_settings,
    change_sentence,
    erased_plates,
    list_name,
    shrink_limit_percent,
    warn,
)
from plategate.terminal import Config
from plategate.users import user_name

if TYPE_CHECKING:
    import sqlite3

    from plategate.access.store.differences import PlateDifference
    from plategate.access.store.history import ListChange


def register(root: typer.Typer) -> None:
    """Add the command to the group `list`."""
    del root  # `list` is a group of its own
    list_app.command("import")(import_list)


def import_list(
    file: Annotated[Path, typer.Argument(help="XLSX, ODS, CSV or JSON")],
    which: Annotated[
        str | None,
        typer.Option(
            "--list",
            help="allow, block or wanted; default: the list that the file names, else allow",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option(help="show what would change, change nothing")] = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force",
            help="accept a list that shrinks beyond the limit, or that names another list",
        ),
    ] = False,
    empty: Annotated[
        bool, typer.Option("--allow-empty", help="accept a file without entries")
    ] = False,
    columns: Annotated[
        list[str] | None,
        typer.Option("--column", help="what a column of the file is: NAME=note; NAME=- ignores it"),
    ] = None,
    dates: Annotated[
        DateOrder | None, typer.Option(help="dmy or mdy, if the dates of the file can be both")
    ] = None,
    sheet: Annotated[
        str | None, typer.Option(help="the sheet of a workbook, if several have plates")
    ] = None,
    drop_by_hand: Annotated[
        bool,
        typer.Option("--drop-by-hand", help="drop what was added, edited or removed by hand too"),
    ] = False,
    limit: Limit = 50,
    who: Who = "",
    why: Why = "",
    config: Config = None,
    state: State = None,
) -> None:
    """Replace a list by the entries of a file, completely or not at all."""
    from plategate.access.files.owner_files import ReadingOptions
    from plategate.access.store.differences import differences
    from plategate.access.store.importing import import_list_file
    from plategate.schedule.zone import site_zone

    settings = access_settings(config, state)

    erased = erased_plates(config)
    found: list[PlateDifference] = []

    def collect(store: sqlite3.Connection, change: ListChange) -> None:
        found.extend(islice(differences(store, change), limit))

    change = import_list_file(
        settings,
        file,
        name=list_name(which) if which else None,
        who=who or user_name(),
        dry_run=dry_run,
        allow_empty=empty,
        force=force,
        drop_by_hand=drop_by_hand,
        why=why,
        inspect=collect if dry_run else None,
        reading=ReadingOptions(_column_names(columns or []), dates, sheet),
        note=print,
        shrink_limit_percent=shrink_limit_percent(config),
        report=warn,
        erased=erased,
    )
    if erased.sentence:
        print(erased.sentence)
    print(("would be: " if dry_run else "") + change_sentence(change))
    count = change.added + change.removed + change.changed
    print_differences(found, site_zone(settings.zone), count if dry_run else 0)


def _column_names(options: list[str]) -> dict[str, str]:
    from plategate.access.files.headers import parse_column_options

    try:
        return parse_column_options(options)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
