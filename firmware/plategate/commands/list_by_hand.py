# SPDX-License-Identifier: Apache-2.0
"""`plategate list add|edit|remove|follow|undo`: change single plates by hand, undo any change."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plategate.commands.lists import Which
from plategate.commands.lists import app as list_app
from plategate.commands.shared.list_changes import Who, Why, change_line
from plategate.commands.shared.lists import State, access_settings, list_name, plate_argument
from plategate.terminal import Config
from plategate.users import user_name

if TYPE_CHECKING:
    from plategate.access.editing import ListEditor
    from plategate.access.store.history import ListChange

Plate = Annotated[str, typer.Argument(help="the plate")]
Holder = Annotated[str | None, typer.Option(help="name")]
Group = Annotated[str | None, typer.Option(help="group")]
Note = Annotated[str | None, typer.Option(help="any text")]
From = Annotated[str | None, typer.Option("--from", help="first day, or time: 2026-06-01")]
Until = Annotated[str | None, typer.Option(help="last day, or time: 2026-06-30")]
Hours = Annotated[str | None, typer.Option(help='weekly windows: "mon-fri 07:00-18:00"')]
Entries = Annotated[str | None, typer.Option(help="how many times the barrier may open")]


def register(root: typer.Typer) -> None:
    """Add the commands to the group `list`."""
    del root  # `list` is a group of its own
    list_app.command("add")(add)
    list_app.command("edit")(edit)
    list_app.command("remove")(remove)
    list_app.command("follow")(follow)
    list_app.command("undo")(undo)


def add(
    plate: Plate,
    holder: Holder = None,
    group: Group = None,
    note: Note = None,
    from_: From = None,
    until: Until = None,
    hours: Hours = None,
    entries: Entries = None,
    also: Annotated[
        bool, typer.Option("--also", help="a second entry for a plate that has one")
    ] = False,
    which: Which = "allow",
    who: Who = "",
    why: Why = "",
    config: Config = None,
    state: State = None,
) -> None:
    """Add a plate by hand; imports and syncs keep it."""
    fields = _fields(holder, group, note, from_, until, hours, entries)
    name, canonical = list_name(which), plate_argument(plate)
    editor = _editor(config, state, who, why)
    _print_change(editor.add(name, {**fields, "plate": canonical}, also=also), canonical)


def edit(
    plate: Plate,
    holder: Holder = None,
    group: Group = None,
    note: Note = None,
    from_: From = None,
    until: Until = None,
    hours: Hours = None,
    entries: Entries = None,
    which: Which = "allow",
    who: Who = "",
    why: Why = "",
    config: Config = None,
    state: State = None,
) -> None:
    """Change fields of a plate by hand; an empty text ("") clears a field."""
    fields = _fields(holder, group, note, from_, until, hours, entries)
    if not fields:
        raise typer.BadParameter("name at least one field to change, such as --until")
    name, canonical = list_name(which), plate_argument(plate)
    _print_change(_editor(config, state, who, why).edit(name, canonical, fields), canonical)


def remove(
    plate: Plate,
    which: Which = "allow",
    who: Who = "",
    why: Why = "",
    config: Config = None,
    state: State = None,
) -> None:
    """Remove a plate by hand; it stays removed even if the source of the list still has it."""
    name, canonical = list_name(which), plate_argument(plate)
    change = _editor(config, state, who, why).remove(name, canonical)
    _print_change(change, canonical)
    if change.kept_out:
        print(
            "the source of the list still has it; it stays removed"
            f" (plategate list follow {canonical} --list {name} puts it back)"
        )


def follow(
    plate: Plate,
    which: Which = "allow",
    who: Who = "",
    why: Why = "",
    config: Config = None,
    state: State = None,
) -> None:
    """Withdraw what was changed by hand, so that a plate follows the source of its list again."""
    name, canonical = list_name(which), plate_argument(plate)
    _print_change(_editor(config, state, who, why).follow(name, canonical), canonical)


def undo(
    number: Annotated[
        int | None, typer.Argument(help="of the change, from `list history`; default: the newest")
    ] = None,
    which: Annotated[
        str | None, typer.Option("--list", help="the newest change of this list only")
    ] = None,
    who: Who = "",
    why: Why = "",
    config: Config = None,
    state: State = None,
) -> None:
    """Undo a change by hand, an import, a sync or an undo."""
    name = list_name(which) if which else None
    change = _editor(config, state, who, why).undo(number, name)
    print(
        f"{change.name}: change {change.undoes} is undone: {change.added} plates added,"
        f" {change.removed} removed, {change.changed} changed ({change.entries} entries)"
    )
    if change.was_sync:
        print("the next sync puts the list of its sources in force again")


def _editor(config: Path | None, state: Path | None, who: str, why: str) -> ListEditor:
    from plategate.access.editing import ListEditor

    return ListEditor(access_settings(config, state), who or user_name(), why)


def _fields(
    holder: str | None,
    group: str | None,
    note: str | None,
    from_: str | None,
    until: str | None,
    hours: str | None,
    entries: str | None,
) -> dict[str, object]:
    """The fields that were given, by their names in a list file."""
    given = {
        "holder": holder,
        "group": group,
        "note": note,
        "from": from_,
        "until": until,
        "hours": hours,
        "entries": entries,
    }
    return {name: value for name, value in given.items() if value is not None}


def _print_change(change: ListChange, plate: str) -> None:
    print(change_line(change, (plate,)))
