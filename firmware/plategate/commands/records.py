# SPDX-License-Identifier: Apache-2.0
"""`plategate records`: import vehicle records, and look them up by plate or owner."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plategate.commands.shared.lists import (
    State,
    access_settings,
    erased_plates,
    plate_argument,
    shrink_limit_percent,
    warn,
)
from plategate.errors import printable
from plategate.terminal import Config

if TYPE_CHECKING:
    from plategate.values import VehicleRecord

app = typer.Typer(help="Vehicle records.", no_args_is_help=True)


def register(root: typer.Typer) -> None:
    """Add the group to the root."""
    root.add_typer(app, name="records")


@app.command("import")
def import_records(
    file: Annotated[Path, typer.Argument(help="CSV or JSON")],
    force: Annotated[
        bool, typer.Option("--force", help="accept a file that removes most of the records")
    ] = False,
    config: Config = None,
    state: State = None,
) -> None:
    """Replace all records by those of a file, completely or not at all."""
    from plategate.access.store.importing import import_record_file

    erased = erased_plates(config)
    count = import_record_file(
        access_settings(config, state),
        file,
        warn,
        force=force,
        shrink_limit_percent=shrink_limit_percent(config),
        erased=erased,
    )
    if erased.sentence:
        print(erased.sentence)
    print(f"{count} records from {file.name}")


@app.command("lookup")
def lookup(
    plate: Annotated[str | None, typer.Argument(help="the plate")] = None,
    person: Annotated[
        str | None, typer.Option(help="name of the owner; one typing error per word is allowed")
    ] = None,
    config: Config = None,
    state: State = None,
) -> None:
    """Show the record of a plate, or the records of an owner."""
    from plategate.access.store.database import open_for_reading
    from plategate.access.store.vehicles import record_of_plate, records_of_person

    if (plate is None) == (person is None):
        raise typer.BadParameter("name either a plate or a --person")
    store = open_for_reading(access_settings(config, state).file)
    try:
        if person is not None:
            found = records_of_person(store, person)
        else:
            record = record_of_plate(store, plate_argument(plate or ""))
            found = (record,) if record else ()
    finally:
        store.close()
    for record in found:
        _print_record(record)
    if not found:
        print("no record")
        raise typer.Exit(1)


def _print_record(record: VehicleRecord) -> None:
    print(record.plate)
    facts = [
        ("owner", record.owner),
        ("registered in", record.registered_in),
        ("address", record.address),
        ("make", record.make),
        ("model", record.model),
        ("colour", record.colour),
        ("insured until", record.insured_until),
        ("inspected until", record.inspected_until),
        ("note", record.note),
        *record.fields,
    ]
    for name, value in facts:
        if value:
            print(printable(f"  {name + ':':<17}{value}"))
