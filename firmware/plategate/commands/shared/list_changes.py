# SPDX-License-Identifier: Apache-2.0
"""Shared by the commands that change lists: options, and lines about changes and differences."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from plategate.commands.shared.lists import entry_line
from plategate.errors import printable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from zoneinfo import ZoneInfo

    from plategate.access.store.differences import PlateDifference
    from plategate.access.store.history import ListChange

Who = Annotated[str, typer.Option(help="your name for the history; default: the user name")]
Why = Annotated[str, typer.Option(help="the reason, for the history")]
Limit = Annotated[int, typer.Option(help="show at most this many plates", min=1)]

_SHOWN_PLATES = 3


def change_line(change: ListChange, plates: tuple[str, ...]) -> str:
    """What a change did, in one line; `plates` are the first plates that it touched."""
    facts = [f"{change.name}: {_action(change, plates)}", f"{change.entries} entries"]
    if change.undone:
        facts.append("undone")
    line = f"{facts[0]} ({', '.join(facts[1:])})"
    return printable(f"{line}: {change.why}" if change.why else line)


def _action(change: ListChange, plates: tuple[str, ...]) -> str:
    from plategate.access.store.history import ChangeKind

    count = change.added + change.removed + change.changed
    shown = ", ".join(plates[:_SHOWN_PLATES]) or f"{count} plates"
    if plates and count > len(plates[:_SHOWN_PLATES]):
        shown += f" and {count - len(plates[:_SHOWN_PLATES])} more"
    match change.kind:
        case ChangeKind.REPLACED:
            counts = (
                f"{change.added} plates added, {change.removed} removed, {change.changed} changed"
            )
            return f"replaced by {change.source}, {counts}"
        case ChangeKind.UNDONE:
            return f"undid change {change.undoes}: {shown}"
        case ChangeKind.FOLLOWED:
            return f"{shown} follows its source again"
        case _:
            return f"{shown} {change.kind} by hand"


def print_differences(differences: Iterable[PlateDifference], zone: ZoneInfo, count: int) -> None:
    """Print what changed, plate by plate: `+` added, `-` removed, `~` changed.

    `count` is how many plates changed; the line after the last one says how many are not shown.
    """
    shown = 0
    for difference in differences:
        shown += 1
        if not difference.before:
            lines = [f"+ {entry_line(entry, zone)}" for entry in difference.after]
        elif not difference.after:
            lines = [f"- {entry_line(entry, zone)}" for entry in difference.before]
        else:
            lines = [f"~ {entry_line(entry, zone)}" for entry in difference.before]
            lines += [f"  now {entry_line(entry, zone)[4:]}" for entry in difference.after]
        sys.stdout.write("\n".join(lines) + "\n")
    if shown < count:
        sys.stdout.write(f"... and {count - shown} more (--limit)\n")
