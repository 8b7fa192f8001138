# SPDX-License-Identifier: Apache-2.0
"""`plategate journal passage`: everything that is known about one passage, with its pictures."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plategate.commands.journal import group
from plategate.commands.shared.journal import (
    JsonOption,
    found_passage,
    settings_journal,
    write_json,
)
from plategate.terminal import Config

if TYPE_CHECKING:
    from plategate.journal.reader import StoredEvent
    from plategate.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the command to the group `journal`."""
    del app
    group.command("passage")(passage)


def passage(
    passage_id: Annotated[
        str,
        typer.Argument(
            metavar="PASSAGE", help="id of the passage, as `journal show --json` prints it"
        ),
    ],
    open_pictures: Annotated[
        bool, typer.Option("--open", help="open its pictures with the programs of this desktop")
    ] = False,
    as_json: JsonOption = False,
    config: Config = None,
) -> None:
    """Show one passage: what was read and decided, the vehicle, its events, times and pictures."""
    from plategate.commands.shared.passages import passage_sheet
    from plategate.settings import load_settings
    from plategate.terminal.console import Console

    with settings_journal(config) as (journal, folder):
        found = found_passage(journal, folder, passage_id)
    if as_json:
        write_json(found)
    else:
        console = Console()
        console.print(passage_sheet(found, folder), soft_wrap=True)
        for line in _vehicle(found[0], load_settings(config)):
            console.print(line, soft_wrap=True, markup=False)
    if open_pictures:
        _open(found[0], folder)


def _vehicle(stored: StoredEvent, settings: Settings) -> list[str]:
    """What the vehicle records have of the plate; nothing where there are none."""
    from plategate.access.store.database import open_for_reading
    from plategate.access.store.vehicles import record_of_plate
    from plategate.documents import record_document
    from plategate.errors import StoreError, printable

    verdict, reading = stored.passage.verdict, stored.passage.reading
    plate = verdict.plate or (reading.text if reading else "")
    if not plate:
        return []
    try:
        store = open_for_reading(settings.access.file)
    except StoreError as error:
        return [f"vehicle records: {printable(str(error))}"]
    try:
        record = record_of_plate(store, plate)
    finally:
        store.close()
    if record is None:
        return []
    facts = record_document(record)
    facts |= facts.pop("fields")
    known = {name: value for name, value in facts.items() if value and name != "plate"}
    return [printable(f"vehicle {name}: {value}") for name, value in known.items()]


def _open(stored: StoredEvent, folder: Path) -> None:
    """Open the pictures of a passage; raises StoreError where there is none, or no program."""
    from plategate.errors import StoreError

    program = shutil.which("xdg-open")
    if not stored.evidence:
        raise StoreError("this passage has no pictures, or they were deleted after evidence_days")
    for kind, name in stored.evidence:
        file = folder / name
        if not file.exists():
            raise StoreError(f"{file}: the {kind} picture is missing; see `journal check`")
        if program is None:
            raise StoreError(f"{file}: there is no xdg-open here; copy the picture to a desktop")
        done = subprocess.run([program, file], check=False)
        if done.returncode != 0:
            raise StoreError(f"{file}: xdg-open ended with status {done.returncode}")
