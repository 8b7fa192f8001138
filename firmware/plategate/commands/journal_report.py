# SPDX-License-Identifier: Apache-2.0
"""`plategate journal report`: what happened in a month, as a page (HTML) or PDF."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plategate.commands.journal import group
from plategate.commands.shared.journal import LaneOption
from plategate.terminal import Config

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from plategate.reports.sections import Document
    from plategate.settings import Settings

MONTH = re.compile(r"(\d{4})-(\d{2})")


class Language(StrEnum):
    """The languages of a report."""

    EN = "en"
    DE = "de"


def register(app: typer.Typer) -> None:
    """Add the command to the group `journal`."""
    del app
    group.command("report")(report)


def report(
    month: Annotated[
        str | None, typer.Option(metavar="YYYY-MM", help="the month; default: the present one")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="file to write, .html or .pdf; default: plategate-YYYY-MM.html here"),
    ] = None,
    language: Annotated[
        Language | None, typer.Option(help="default: console.language of the settings")
    ] = None,
    lane: LaneOption = None,
    plates: Annotated[
        bool, typer.Option("--plates", help="with plates and details of events (personal data)")
    ] = False,
    config: Config = None,
) -> None:
    """Write passages by day and hour, refusals, unread plates, alarms and times of one month.

    Covers the lanes of `console.lanes` too.
    """
    from plategate.reports.render import as_page, as_pdf
    from plategate.settings import load_settings

    settings = load_settings(config)
    sites = [settings, *(load_settings(each) for each in settings.console.lanes)]
    first = _first_day(month)
    file = out or Path(f"plategate-{first:%Y-%m}.html")
    if file.suffix.lower() not in (".html", ".pdf"):
        raise typer.BadParameter(f"{file}: must end with .html or .pdf", param_hint="--out")
    chosen = language.value if language else settings.console.language
    found, summary = _found(sites, first, lane, chosen, plates)
    if file.suffix.lower() == ".pdf":
        _write(file, as_pdf(found))
    else:
        _write(file, as_page(found).encode())
    print(f"{file}: {summary}")


def _found(
    sites: list[Settings], first: date, lane: str | None, language: str, plates: bool
) -> tuple[Document, str]:
    """The report in a language, and one line about it; `sites` has the settings of each lane."""
    from itertools import chain

    from plategate.reports.month import kept_since, month_report
    from plategate.reports.sections import document_of
    from plategate.schedule.zone import site_zone

    zone, now = site_zone(sites[0].access.zone), datetime.now().astimezone()
    counted = month_report(
        first, zone, chain.from_iterable(_documents(each, first, zone, lane) for each in sites)
    )
    since = max(kept_since(each.journal, now, zone) for each in sites)
    names = [lane] if lane else [each.lane.name for each in sites]
    shown = document_of(counted, names, language, plates, since)
    return shown, (
        f"{counted.total} passages, {len(counted.refused)} refused,"
        f" {len(counted.unread)} unread, {len(counted.alarms)} alarms and faults"
    )


def _documents(
    settings: Settings, first: date, zone: ZoneInfo, lane: str | None
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Kind and document of everything in the journal of one lane from that month."""
    from datetime import UTC

    from plategate.journal.reader import EventFilter, JournalReader
    from plategate.reports.month import month_limits

    since, until = month_limits(first, zone)
    wanted = EventFilter(
        kind=None, since=since.astimezone(UTC), until=until.astimezone(UTC), lane=lane
    )
    with closing(JournalReader(settings.journal.dir)) as journal:
        for page in journal.pages(wanted):
            for stored in page:
                yield stored.kind, stored.document


def _first_day(month: str | None) -> date:
    today = datetime.now().astimezone().date()
    if month is None:
        return today.replace(day=1)
    match = MONTH.fullmatch(month)
    try:
        first = date(int(match[1]), int(match[2]), 1) if match else None
    except ValueError:
        first = None
    if first is None:
        raise typer.BadParameter(
            f"{month!r}: must be a month such as {today:%Y-%m}", param_hint="--month"
        )
    if first > today:
        raise typer.BadParameter(f"{month}: has not begun", param_hint="--month")
    return first


def _write(file: Path, content: bytes) -> None:
    from plategate.durable_files import replace_file
    from plategate.errors import StoreError, reason_of

    try:
        replace_file(file, content)
    except OSError as error:
        raise StoreError(f"{file} cannot be written: {reason_of(error)}") from error
