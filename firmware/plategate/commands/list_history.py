# SPDX-License-Identifier: Apache-2.0
"""`plategate list history|diff`: who changed the lists, and what exactly a change did."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from plategate.commands.lists import app as list_app
from plategate.commands.shared.list_changes import Limit, change_line, print_differences
from plategate.commands.shared.lists import State, access_settings, list_name
from plategate.errors import printable
from plategate.terminal import Config

if TYPE_CHECKING:
    import sqlite3

    from plategate.access.store.history import ListChange

_PLATES = 4  # more than the three that are shown


def register(root: typer.Typer) -> None:
    """Add the commands to the group `list`."""
    del root  # `list` is a group of its own
    list_app.command("history")(history)
    list_app.command("diff")(diff)


def history(
    which: Annotated[str | None, typer.Option("--list", help="only this list")] = None,
    limit: Annotated[int, typer.Option(help="show at most this many changes", min=1)] = 50,
    config: Config = None,
    state: State = None,
) -> None:
    """Show who changed the lists, when, how and why, the newest change first."""
    from contextlib import closing

    from plategate.access.store.database import open_for_reading
    from plategate.access.store.history import list_history, plates_of
    from plategate.schedule.zone import site_zone

    settings = access_settings(config, state)
    zone = site_zone(settings.zone)
    name = list_name(which) if which else None
    with closing(open_for_reading(settings.file)) as store:
        for change in list_history(store, name, limit):
            at = change.at.astimezone(zone)
            what = change_line(change, plates_of(store, change.number, _PLATES))
            print(f"{change.number:>4}  {at:%Y-%m-%d %H:%M}  {printable(change.who)}  {what}")


def diff(
    number: Annotated[
        int | None, typer.Argument(help="of the change, from `list history`; default: the newest")
    ] = None,
    limit: Limit = 100,
    config: Config = None,
    state: State = None,
) -> None:
    """Show what a change did to each plate: + added, - removed, ~ changed."""
    from contextlib import closing

    from plategate.access.store.database import open_for_reading
    from plategate.access.store.differences import differences
    from plategate.access.store.history import plates_of
    from plategate.schedule.zone import site_zone

    settings = access_settings(config, state)
    with closing(open_for_reading(settings.file)) as store:
        change = _change(store, number)
        print(change_line(change, plates_of(store, change.number, _PLATES)))
        count = change.added + change.removed + change.changed
        if count and not plates_of(store, change.number, 1):
            print("the entries that it replaced are no longer kept (access.list_undo_days)")
        zone = site_zone(settings.zone)
        print_differences(islice(differences(store, change), limit), zone, count)


def _change(store: sqlite3.Connection, number: int | None) -> ListChange:
    from plategate.access.store.history import change_numbered, list_history
    from plategate.errors import ListError

    if number is not None:
        if found := change_numbered(store, number):
            return found
        raise ListError(f"there is no change {number}; see `list history`")
    if newest := list_history(store, limit=1):
        return newest[0]
    raise ListError("no list was changed yet")
