# SPDX-License-Identifier: Apache-2.0
"""What the commands around lists and records share: options, settings, sentences."""

from __future__ import annotations

import getpass
import os
import sys
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from plategate.access.store.changes import ListChange
    from plategate.access.store.lists import ListName
    from plategate.settings.access import AccessSettings
    from plategate.values import ListEntry

Config = Annotated[Path | None, typer.Option("--config", help="settings.toml")]
State = Annotated[
    Path | None, typer.Option("--state", help="folder with lists.sqlite, instead of the setting")
]


def access_settings(config: Path | None, state: Path | None) -> AccessSettings:
    """The [access] table in force, with the files of another folder where one is named."""
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


def list_name(text: str) -> ListName:
    """The list of that name; wrong usage where there is none."""
    from plategate.access.store.lists import ListName

    try:
        return ListName(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r}: allow, block or wanted") from None


def plate_argument(written: str) -> str:
    """The canonical form of a plate; wrong usage where it can be none."""
    from plategate.access.files.fields import LONGEST_PLATE, SHORTEST_PLATE
    from plategate.plates.text import canonical

    plate = canonical(written)
    if not SHORTEST_PLATE <= len(plate) <= LONGEST_PLATE:
        limits = f"{SHORTEST_PLATE} to {LONGEST_PLATE}"
        raise typer.BadParameter(f"{written!r}: a plate has {limits} letters and digits")
    return plate


def user_name() -> str:
    """Who is at the keyboard, also under sudo."""
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (OSError, KeyError):
        return f"user {os.getuid()}"


def say_aside(sentence: str) -> None:
    """Tell what the user should know besides what the command answers."""
    sys.stderr.write(f"plategate: {sentence}\n")


def change_sentence(change: ListChange) -> str:
    """What a replacement did, in one line."""
    return (
        f"{change.name}: generation {change.generation}, {change.entries} entries"
        f" ({change.added} plates added, {change.removed} removed, {change.changed} changed)"
        f" from {change.source}"
    )


def entry_line(entry: ListEntry, zone: ZoneInfo) -> str:
    """An entry in one line, times as a list file has them: a midnight is a day."""
    facts = [
        entry.holder,
        entry.group,
        f"from {_first(entry.valid_from.astimezone(zone))}" if entry.valid_from else "",
        f"until {_last(entry.valid_until.astimezone(zone))}" if entry.valid_until else "",
        entry.hours,
        f"{entry.entries} entries" if entry.entries is not None else "",
        entry.note,
    ]
    return "  ".join([f"{entry.plate:<12}", *(fact for fact in facts if fact)]).rstrip()


def _first(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}" if moment.time() == time() else f"{moment:%Y-%m-%d %H:%M}"


def _last(moment: datetime) -> str:
    if moment.time() == time():
        return f"{moment.date() - timedelta(days=1):%Y-%m-%d}"
    return f"{moment:%Y-%m-%d %H:%M}"
