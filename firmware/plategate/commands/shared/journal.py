# SPDX-License-Identifier: Apache-2.0
"""Shared by the journal commands: options, the passages they mean, the journal to read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plategate.commands.shared.lists import plate_argument

if TYPE_CHECKING:
    from plategate.journal.reader import EventFilter, JournalReader, StoredEvent

LimitOption = Annotated[int | None, typer.Option("--limit", "-n", min=1, help="newest passages")]
SinceOption = Annotated[datetime | None, typer.Option(help="from this time on (local time)")]
UntilOption = Annotated[datetime | None, typer.Option(help="before this time (local time)")]
DayOption = Annotated[
    str | None, typer.Option(metavar="DAY", help="2026-05-31, today or yesterday (local time)")
]
PlateOption = Annotated[
    str | None, typer.Option("--plate", help="only passages of this plate, read or on a list")
]
OutcomeOption = Annotated[
    str | None,
    typer.Option(metavar="OUTCOME", help="granted, refused, unsure, or a reason: not_listed, ..."),
]
LaneOption = Annotated[str | None, typer.Option(help="only this lane")]
EventsOption = Annotated[
    bool, typer.Option("--events", help="faults, alarms and other events instead of passages")
]
JsonOption = Annotated[bool, typer.Option("--json", help="one JSON line for each passage")]


@contextmanager
def settings_journal(config: Path | None) -> Iterator[tuple[JournalReader, Path]]:
    """The journal that the settings name, and its folder."""
    from plategate.journal.reader import JournalReader
    from plategate.settings import load_settings

    folder = load_settings(config).journal.dir
    with closing(JournalReader(folder)) as journal:
        yield journal, folder


def found_passage(journal: JournalReader, folder: Path, passage_id: str) -> list[StoredEvent]:
    """A passage and the events that belong to it; raises StoreError if there is none."""
    from plategate.documents import PASSAGE
    from plategate.errors import StoreError

    found = journal.passage(passage_id)
    if not found or found[0].kind != PASSAGE:
        raise StoreError(
            f"the journal in {folder} has no passage {passage_id};"
            " `plategate journal show --json` prints the ids"
        )
    return found


def wanted_events(
    *,
    since: datetime | None,
    until: datetime | None,
    day: str | None,
    plate: str | None,
    outcome: str | None,
    lane: str | None,
    events: bool,
) -> EventFilter:
    """What to read; raises BadParameter for an invalid plate, time or outcome."""
    from plategate.documents import EVENT, PASSAGE
    from plategate.journal.reader import EventFilter

    if day is not None:
        if since or until:
            raise typer.BadParameter("--day cannot be combined with --since or --until")
        since, until = _limits_of(day)
    if events and outcome is not None:
        raise typer.BadParameter("--outcome belongs to passages; --events shows other events")
    result, reason = (None, None) if outcome is None else _outcome(outcome)
    first, end = _in_utc(since), _in_utc(until)
    if first and end and first >= end:
        raise typer.BadParameter(
            f"{until}: must be later than --since {since}", param_hint="--until"
        )
    return EventFilter(
        kind=EVENT if events else PASSAGE,
        since=first,
        until=end,
        plate=None if plate is None else plate_argument(plate),
        result=result,
        reason=reason,
        lane=lane,
    )


def write_json(found: list[StoredEvent], stream: Any = None) -> None:
    """Print the documents, one line each."""
    from plategate.terminal.output import data_output

    for event in found:
        print(json.dumps(event.public_document(), ensure_ascii=False), file=stream or data_output())


def _outcome(text: str) -> tuple[str | None, str | None]:
    """The result or the reason that an outcome names; raises BadParameter."""
    from plategate.values import Reason, Result

    name = text.strip().lower().replace(" ", "_").replace("-", "_")
    if name in tuple(Result):
        return name, None
    if name in tuple(Reason):
        return None, name
    known = ", ".join((*Result, *Reason))
    raise typer.BadParameter(f"{text!r}: must be one of {known}", param_hint="--outcome")


def _limits_of(day: str) -> tuple[datetime, datetime]:
    """The local times at which a day begins and ends."""
    today = datetime.now().astimezone().date()
    named = {"today": today, "yesterday": today - timedelta(days=1)}
    try:
        start = named.get(day.strip().lower()) or date.fromisoformat(day)
        return datetime.combine(start, time()), datetime.combine(start + timedelta(days=1), time())
    except (ValueError, OverflowError):
        raise typer.BadParameter(
            f"{day!r}: must be a day such as {today}, today or yesterday", param_hint="--day"
        ) from None


def _in_utc(moment: datetime | None) -> datetime | None:
    """Times without a zone, as people type them, are local; the journal counts in UTC."""
    from datetime import UTC

    try:
        return moment.astimezone(UTC) if moment else None
    except (OverflowError, ValueError):
        raise typer.BadParameter(f"'{moment}': the year must be 2 to 9998") from None
