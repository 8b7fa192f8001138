# SPDX-License-Identifier: Apache-2.0
"""`plategate journal show | export | check`: what happened at the gate; nothing is changed.

`show` prints a table for people, `export` writes files for other programs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plategate.commands.shared.journal import (
    DayOption,
    EventsOption,
    JsonOption,
    LaneOption,
    LimitOption,
    OutcomeOption,
    PlateOption,
    SinceOption,
    UntilOption,
    found_passage,
    settings_journal,
    wanted_events,
    write_json,
)
from plategate.terminal import Config

if TYPE_CHECKING:
    from plategate.journal.reader import JournalReader, StoredEvent

group = typer.Typer(help="Show, export or check the journal.", no_args_is_help=True)


class ExportFormat(StrEnum):
    """What `export` writes."""

    JSON = "json"
    CSV = "csv"


def register(app: typer.Typer) -> None:
    """Add the group to the root."""
    group.command("show")(show)
    group.command("export")(export)
    group.command("check")(check)
    app.add_typer(group, name="journal")


def show(
    passage_id: Annotated[
        str | None,
        typer.Argument(metavar="[PASSAGE]", help="one passage, with everything about it"),
    ] = None,
    config: Config = None,
    limit: LimitOption = 20,
    since: SinceOption = None,
    until: UntilOption = None,
    day: DayOption = None,
    plate: PlateOption = None,
    outcome: OutcomeOption = None,
    lane: LaneOption = None,
    events: EventsOption = False,
    as_json: JsonOption = False,
) -> None:
    """Show the newest passages, newest first, and grants that are not finished."""
    from plategate.commands.shared import passages
    from plategate.terminal.console import Console

    wanted = wanted_events(
        since=since, until=until, day=day, plate=plate, outcome=outcome, lane=lane, events=events
    )
    with settings_journal(config) as (journal, folder):
        if passage_id is not None:
            found = found_passage(journal, folder, passage_id)
        else:
            found = journal.newest(limit, wanted)
        grants = journal.unfinished_grants()
    if as_json:
        write_json(found)
        return
    console = Console()
    if passage_id is not None:
        console.print(passages.passage_sheet(found, folder), soft_wrap=True)
        return
    if events:
        console.print(passages.events_table(found) if found else "no events")
        return
    console.print(passages.passages_table(found, console.width) if found else "no passages")
    for grant in grants:
        at = grant.granted_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        console.print(f"under way: {grant.plate} granted {at} (passage {grant.passage_id})")


def export(
    file: Annotated[
        Path | None, typer.Argument(help="file to write; default, and -: standard output")
    ] = None,
    format_: Annotated[
        ExportFormat, typer.Option("--format", help="json lines or csv")
    ] = ExportFormat.JSON,
    config: Config = None,
    limit: LimitOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    day: DayOption = None,
    plate: PlateOption = None,
    outcome: OutcomeOption = None,
    lane: LaneOption = None,
    events: EventsOption = False,
) -> None:
    """Write passages for another program, oldest first, with everything that is kept of them."""
    from plategate.commands.shared import passages

    wanted = wanted_events(
        since=since, until=until, day=day, plate=plate, outcome=outcome, lane=lane, events=events
    )
    with settings_journal(config) as (journal, _), _output(file) as stream:
        pages: Iterable[list[StoredEvent]] = (
            journal.pages(wanted) if limit is None else [journal.newest(limit, wanted)[::-1]]
        )
        if format_ is ExportFormat.CSV:
            passages.write_csv(pages, stream, events)
        else:
            for page in pages:
                write_json(page, stream)


def check(config: Config = None) -> None:
    """Check the database, the chain of hashes and every picture; status 1 if something is wrong."""
    import hashlib

    from plategate.errors import reason_of
    from plategate.journal.chain import verify_chain
    from plategate.journal.purge import verify_purges

    with settings_journal(config) as (journal, folder):
        (integrity,) = journal.read(
            lambda database: database.execute("PRAGMA integrity_check(1)").fetchone()
        )
        report = journal.read(verify_chain)
        log = journal.read(verify_purges)
        pictures = journal.read(
            lambda database: database.execute("SELECT file, sha256 FROM evidence").fetchall()
        )
        # The database is closed before the pictures are read, which may take minutes.
        journal.close()
        wrong = []
        for name, sha256 in pictures:
            picture = folder / name
            try:
                content = picture.read_bytes()
            except FileNotFoundError:
                if _is_listed(journal, name):
                    wrong.append(f"{name}: missing")
                continue
            except OSError as error:
                wrong.append(f"{name}: cannot be read: {reason_of(error)}")
                continue
            if hashlib.sha256(content).hexdigest() != sha256:
                wrong.append(f"{name}: changed")
    wrong += [f"event number {sequence}: changed or cut out" for sequence in report.broken_at]
    wrong += log.wrong
    if integrity != "ok":
        wrong.append(f"database: {integrity}")
    for line in wrong:
        print(line)
    print(
        f"{report.passages} passages, {report.forgotten} forgotten, {len(pictures)} pictures, "
        f"{len(wrong)} wrong; {report.events} other events; newest hash {report.newest}"
    )
    if log.purges or log.erasures:
        print(
            f"purge log: {log.purges} purges and {log.erasures} erasures of {log.deleted} passages"
            " and events"
        )
    raise typer.Exit(1 if wrong else 0)


def _is_listed(journal: JournalReader, name: str) -> bool:
    """Whether a picture is still part of the journal; it may have been forgotten meanwhile."""
    found = journal.read(
        lambda database: database.execute(
            "SELECT count(*) FROM evidence WHERE file = ?", (name,)
        ).fetchone()
    )
    journal.close()
    return bool(found[0])


@contextmanager
def _output(file: Path | None) -> Iterator[Any]:
    import io

    from plategate.errors import StoreError, reason_of
    from plategate.output_files import whole_file
    from plategate.terminal.output import data_output

    if file is None or str(file) == "-":
        yield data_output()
        return
    try:
        with (
            whole_file(file) as written,
            io.TextIOWrapper(written, encoding="utf-8", newline="", write_through=True) as stream,
        ):
            yield stream
    except OSError as error:
        raise StoreError(f"{file} cannot be written: {reason_of(error)}") from error
