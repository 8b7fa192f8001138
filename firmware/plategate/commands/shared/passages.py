# SPDX-License-Identifier: Apache-2.0
"""How the journal is printed: tables and sheets for people, CSV for spreadsheets."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.table import Table

    from plategate.journal.reader import StoredEvent

FULL_WIDTH = 100  # in a narrower terminal the table has fewer columns
PASSAGE_COLUMNS = (
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
EVENT_COLUMNS = ("sequence", "id", "lane", "at", "what", "passage_id", "detail")
COLOURS = {"granted": "green", "refused": "red", "unsure": "yellow"}
# A spreadsheet takes a cell that begins with one of these for a formula and runs it.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_csv(pages: Iterable[list[StoredEvent]], stream: TextIO, events: bool) -> None:
    """Write passages, or other events, as CSV with a header."""
    columns = EVENT_COLUMNS if events else PASSAGE_COLUMNS
    writer = csv.DictWriter(stream, columns, extrasaction="ignore")
    writer.writeheader()
    for page in pages:
        for found in page:
            row = found.public_document() if events else _flat(found)
            writer.writerow({key: _cell(value) for key, value in row.items()})


def passages_table(found: list[StoredEvent], width: int) -> Table:
    """Passages, one a line."""
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
    for stored in found:
        flat = _flat(stored)
        passage = stored.passage
        total = dict(passage.milliseconds).get("total")
        cells = (
            passage.triggered_at.astimezone().strftime("%Y-%m-%d %H:%M:%S"),
            escape(flat["plate"]) or "-",
            str(flat["confidence"]),
            f"[{COLOURS[flat['result']]}]{flat['result']}[/]",
            flat["reason"].replace("_", " ")
            + (f", alarm {escape(flat['alarm'])}" if flat["alarm"] else ""),
            escape(flat["holder"]),
            # Without the first passage of the visit; `export` has it.
            escape(flat["barrier"].partition(" as ")[0]),
            "" if total is None else f"{total:.0f}",
            str(len(stored.evidence)) if stored.evidence else "-",
        )
        table.add_row(*cells[: len(columns)])
    return table


def events_table(found: list[StoredEvent]) -> Table:
    """Events that are not passages, one a line."""
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("number", "when", "event", "passage", "detail"):
        table.add_column(name, no_wrap=name != "detail", overflow="fold")
    for stored in found:
        event = stored.event
        table.add_row(
            str(stored.sequence),
            event.at.astimezone().strftime("%Y-%m-%d %H:%M:%S"),
            escape(event.what.replace("_", " ")),
            escape(event.passage_id or "-"),
            escape(event.detail),
        )
    return table


def passage_sheet(found: list[StoredEvent], folder: Path) -> str:
    """One passage with the paths of its pictures, then the events that belong to it."""
    from rich.markup import escape

    stored, *events = found
    document = stored.public_document()
    flat = _flat(stored)
    rows = {key: flat[key] for key in PASSAGE_COLUMNS if key != "evidence" and flat[key] != ""}
    rows["triggered_at"] = stored.passage.triggered_at.astimezone().isoformat(timespec="seconds")
    alternatives = [other["text"] for other in (document["reading"] or {}).get("alternatives", ())]
    if alternatives:
        rows["or"] = ", ".join(alternatives)
    times = ", ".join(f"{name} {value:.0f}" for name, value in stored.passage.milliseconds)
    if times:
        rows["milliseconds"] = times
    for kind, file in stored.evidence:
        rows[f"{kind} picture"] = str(folder / file)
    for each in events:
        event = each.event
        rows[f"event {each.sequence}"] = f"{event.what.replace('_', ' ')} {event.detail}".strip()
    width = max(map(len, rows))
    return "\n".join(f"{name:<{width}}  {escape(str(value))}" for name, value in rows.items())


def _flat(stored: StoredEvent) -> dict[str, Any]:
    passage = stored.passage
    verdict, reading = passage.verdict, stored.document["reading"]
    return {
        "sequence": stored.sequence,
        "id": passage.id,
        "lane": passage.lane,
        "triggered_at": passage.triggered_at.isoformat(),
        "trigger": passage.trigger,
        "plate": verdict.plate or (reading["text"] if reading else "") or "",
        "confidence": round(reading["confidence"], 3) if reading else "",
        "result": verdict.result.value,
        "reason": verdict.reason.value,
        "holder": verdict.entry.holder if verdict.entry else "",
        "alarm": verdict.alarm or "",
        "barrier": passage.barrier,
        "evidence": " ".join(file for _, file in stored.evidence),
    }


def _cell(value: object) -> object:
    """The value; a text that a spreadsheet would run as a formula gets an apostrophe before it."""
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value
