# SPDX-License-Identifier: Apache-2.0
"""`plategate journal show | export | check`: what happened at the gate.

`show` is a table for people, `export` is for machines; neither changes anything.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import sqlite3

    from plategate.journal.queries import StoredPassage

FULL_WIDTH = 100  # narrower, the table leaves out the columns that a person misses least
CSV_COLUMNS = (
    "sequence",
    "id",
    "lane",
    "triggered_at",
    "trigger",
    "plate",
    "confidence",
    "result",
    "reason",
    "holder",
    "alarm",
    "barrier",
    "evidence",
)

ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="settings.toml; default: the one in force")
]
LimitOption = Annotated[int | None, typer.Option("--limit", "-n", min=1, help="newest passages")]
SinceOption = Annotated[datetime | None, typer.Option(help="from this time on (local time)")]
UntilOption = Annotated[datetime | None, typer.Option(help="before this time (local time)")]
JsonOption = Annotated[bool, typer.Option("--json", help="one JSON line for each passage")]


class Format(StrEnum):
    """What `export` writes."""

    JSON = "json"
    CSV = "csv"


def register(app: typer.Typer) -> None:
    """Add the group to the root."""
    group = typer.Typer(help="Look into the journal of passages.", no_args_is_help=True)
    group.command("show")(show)
    group.command("export")(export)
    group.command("check")(check)
    app.add_typer(group, name="journal")


def show(
    config: ConfigOption = None,
    limit: LimitOption = 20,
    since: SinceOption = None,
    until: UntilOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the newest passages, newest first, and grants that are not finished."""
    from rich.console import Console

    from plategate.journal.queries import read_grants, read_rows

    with _journal(config) as (database, _):
        rows = list(read_rows(database, limit, _aware(since), _aware(until)))
        grants = read_grants(database)
    if as_json:
        _write_json(rows)
        return
    console = Console()
    console.print(_table(rows, console.width) if rows else "no passages")
    for grant in grants:
        at = grant.granted_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        console.print(f"under way: {grant.plate} granted {at} (passage {grant.passage_id})")


def export(
    file: Annotated[
        Path | None, typer.Argument(help="file to write; default: the terminal")
    ] = None,
    format_: Annotated[Format, typer.Option("--format", help="json lines or csv")] = Format.JSON,
    config: ConfigOption = None,
    limit: LimitOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
) -> None:
    """Write passages for another program, oldest first, with everything that is kept of them."""
    from plategate.journal.queries import read_rows

    with _journal(config) as (database, _):
        rows = list(read_rows(database, limit, _aware(since), _aware(until)))[::-1]
    with _output(file) as stream:
        if format_ is Format.CSV:
            writer = csv.DictWriter(stream, CSV_COLUMNS)
            writer.writeheader()
            writer.writerows(_flat(row) for row in rows)
        else:
            _write_json(rows, stream)


def check(config: ConfigOption = None) -> None:
    """Check the database, the chain of hashes and every picture; status 1 if something is wrong."""
    import hashlib

    from plategate.journal.chain import verify_chain

    with _journal(config) as (database, folder):
        (integrity,) = database.execute("PRAGMA integrity_check(1)").fetchone()
        report = verify_chain(database)
        wrong = []
        pictures = 0
        for name, sha256 in database.execute("SELECT file, sha256 FROM evidence"):
            pictures += 1
            picture = folder / name
            if not picture.is_file():
                wrong.append(f"{name}: missing")
            elif hashlib.sha256(picture.read_bytes()).hexdigest() != sha256:
                wrong.append(f"{name}: changed")
    wrong += [f"passage number {sequence}: changed or cut out" for sequence in report.broken_at]
    if integrity != "ok":
        wrong.append(f"database: {integrity}")
    for line in wrong:
        print(line)
    print(
        f"{report.passages} passages, {report.forgotten} forgotten, {pictures} pictures, "
        f"{len(wrong)} wrong; newest hash {report.newest}"
    )
    raise typer.Exit(1 if wrong else 0)


@contextmanager
def _journal(config: Path | None) -> Iterator[tuple[sqlite3.Connection, Path]]:
    import sqlite3

    from plategate.errors import StoreError, reason_of_own
    from plategate.journal.schema import FILE_NAME, open_read_only
    from plategate.settings import load_settings

    folder = load_settings(config).journal.dir
    file = folder / FILE_NAME
    try:
        if not file.exists():
            raise StoreError(f"there is no journal yet: {file}")
        with closing(open_read_only(file)) as database:
            yield database, folder
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"{file} cannot be read: {reason_of_own(error)}") from error


@contextmanager
def _output(file: Path | None) -> Iterator[Any]:
    from plategate.errors import StoreError, reason_of

    if file is None:
        yield sys.stdout
        return
    try:
        with file.open("w", encoding="utf-8", newline="") as stream:
            yield stream
    except OSError as error:
        raise StoreError(f"{file} cannot be written: {reason_of(error)}") from error


def _aware(at: datetime | None) -> datetime | None:
    """A time without a zone, as people type it, is local; the journal counts in UTC."""
    from datetime import UTC

    return at.astimezone(UTC) if at else None


def _write_json(rows: list[StoredPassage], stream: Any = None) -> None:
    for row in rows:
        document = {"sequence": row.sequence, **row.document, "evidence": dict(row.evidence)}
        document.pop("salt", None)
        print(json.dumps(document, ensure_ascii=False), file=stream or sys.stdout)


def _flat(row: StoredPassage) -> dict[str, Any]:
    passage = row.passage
    verdict = passage.verdict
    return {
        "sequence": row.sequence,
        "id": passage.id,
        "lane": passage.lane,
        "triggered_at": passage.triggered_at.isoformat(),
        "trigger": passage.trigger,
        "plate": verdict.plate or (passage.reading.text if passage.reading else ""),
        "confidence": round(passage.reading.confidence, 3) if passage.reading else "",
        "result": verdict.result.value,
        "reason": verdict.reason.value,
        "holder": verdict.entry.holder if verdict.entry else "",
        "alarm": verdict.alarm or "",
        "barrier": passage.barrier,
        "evidence": " ".join(file for _, file in row.evidence),
    }


def _table(rows: list[StoredPassage], width: int) -> Any:
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    columns = ["when", "plate", "sure", "verdict", "reason", "holder", "barrier"]
    if width >= FULL_WIDTH:
        columns += ["ms", "pictures"]
    for name in columns:
        table.add_column(
            name,
            justify="right" if name in ("sure", "ms") else "left",
            no_wrap=name in ("when", "plate", "sure", "verdict"),
            overflow="fold",
        )
    colours = {"granted": "green", "refused": "red", "unsure": "yellow"}
    for row in rows:
        flat = _flat(row)
        passage = row.passage
        total = dict(passage.milliseconds).get("total")
        cells = (
            passage.triggered_at.astimezone().strftime("%Y-%m-%d %H:%M:%S"),
            flat["plate"] or "-",
            str(flat["confidence"]),
            f"[{colours[flat['result']]}]{flat['result']}[/]",
            flat["reason"].replace("_", " ")
            + (f", alarm {flat['alarm']}" if flat["alarm"] else ""),
            escape(flat["holder"]),
            flat["barrier"].partition(" as ")[0],  # of the first passage of a visit; export has it
            "" if total is None else f"{total:.0f}",
            str(len(row.evidence)) if row.evidence else "-",
        )
        table.add_row(*cells[: len(columns)])
    return table
