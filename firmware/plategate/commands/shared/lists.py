# SPDX-License-Identifier: Apache-2.0
"""Shared by the list and record commands: options, settings, output lines."""

from __future__ import annotations

import sys
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plategate.errors import printable

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from plategate.access.store.history import ListChange
    from plategate.access.store.lists import ListName
    from plategate.plate_data.tombstones import ErasedPlates
    from plategate.settings.access import AccessSettings
    from plategate.values import ListEntry

State = Annotated[
    Path | None, typer.Option("--state", help="folder of lists.sqlite, instead of access.file")
]


def access_settings(config: Path | None, state: Path | None) -> AccessSettings:
    """The [access] table; with `state`, its files are in that folder."""
    from plategate.settings import load_settings

    settings = load_settings(config).access
    if state is None:
        return settings
    return settings.model_copy(
        update={
            "file": state / settings.file.name,
            "visits_file": state / settings.visits_file.name,
            "clock_stamp": state / settings.clock_stamp.name,
        }
    )


def erased_plates(config: Path | None) -> ErasedPlates:
    """The plates that were erased and stay out of lists and records."""
    from plategate.plate_data.tombstones import ErasedPlates
    from plategate.settings import load_settings

    return ErasedPlates(load_settings(config).privacy.dir)


def shrink_limit_percent(config: Path | None) -> int:
    """The share of its entries that a list may lose without --force."""
    from plategate.settings import load_settings

    return load_settings(config).sync.shrink_limit_percent


def list_name(text: str) -> ListName:
    """The list of that name; raises BadParameter for any other name."""
    from plategate.access.store.lists import ListName

    try:
        return ListName(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r}: must be allow, block or wanted") from None


def plate_argument(written: str) -> str:
    """The canonical form of a plate; raises BadParameter if it is not one."""
    from plategate.plates.written import PlateTextError, parse_plate

    try:
        return parse_plate(written)
    except PlateTextError as error:
        raise typer.BadParameter(f"{written!r}: {error}") from None


def warn(message: str) -> None:
    """Print a message to standard error."""
    sys.stderr.write(f"plategate: {message}\n")


def change_sentence(change: ListChange) -> str:
    """One line about the replacement of a list."""
    sentence = (
        f"{change.name}: generation {change.generation}, {change.entries} entries"
        f" ({change.added} plates added, {change.removed} removed, {change.changed} changed)"
        f" from {printable(change.source)}"
    )
    if change.kept:
        sentence += f"; kept {change.kept} plates made by hand"
    if change.kept_out:
        sentence += f"; {change.kept_out} plates stay removed by hand although the source has them"
    return sentence


def entry_line(entry: ListEntry, zone: ZoneInfo) -> str:
    """An entry in one line; times are written as in a list file (midnight as a day)."""
    facts = [
        entry.holder,
        entry.group,
        f"from {_first(entry.valid_from.astimezone(zone))}" if entry.valid_from else "",
        f"until {_last(entry.valid_until.astimezone(zone))}" if entry.valid_until else "",
        entry.hours,
        f"{entry.entries} entries" if entry.entries is not None else "",
        entry.note,
    ]
    return printable("  ".join([f"{entry.plate:<12}", *(fact for fact in facts if fact)]).rstrip())


def _first(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}" if moment.time() == time() else f"{moment:%Y-%m-%d %H:%M}"


def _last(moment: datetime) -> str:
    if moment.time() == time():
        return f"{moment.date() - timedelta(days=1):%Y-%m-%d}"
    return f"{moment:%Y-%m-%d %H:%M}"
