# SPDX-License-Identifier: Apache-2.0
"""The table of a rehearsal on pictures, one row a vehicle; narrower on a narrow terminal."""

from __future__ import annotations

from rich.markup import escape
from rich.table import Table

from plategate.rehearsal.pictures import Rehearsed

STAGES = ("capture", "localize", "read", "decide", "relay", "total")
COLOURS = {"granted": "green", "refused": "red", "unsure": "yellow"}
FULL_WIDTH = 125


class RehearsalTable:
    """Grows with `add`; `table` can be shown at any time."""

    def __init__(self, title: str, width: int) -> None:
        self._full = width >= FULL_WIDTH
        self.table = Table(title=title, title_justify="left")
        for column in ("picture", "plate", "verdict"):
            self.table.add_column(column, no_wrap=column == "plate", overflow="fold")
        if self._full:
            self.table.add_column("holder or owner")
        self.table.add_column("barrier")
        for stage in STAGES if self._full else STAGES[-1:]:
            self.table.add_column(stage, justify="right", no_wrap=True)

    def add(self, rehearsed: Rehearsed) -> None:
        """One vehicle."""
        name = escape(rehearsed.picture.stem)
        passage = rehearsed.passage
        if passage is None:
            self.table.add_row(name, "", "[red]no passage[/red]")
            return
        result = passage.verdict.result.value
        reason = passage.verdict.reason.value.replace("_", " ")
        cells = [
            name,
            passage.reading.text if passage.reading else "-",
            f"[{COLOURS[result]}]{result}[/{COLOURS[result]}]: {reason}",
        ]
        if self._full:
            cells.append(escape(_who(rehearsed)))
        cells.append(_barrier(rehearsed))
        spent = dict(passage.milliseconds)
        cells += [_rounded(spent.get(stage)) for stage in (STAGES if self._full else STAGES[-1:])]
        self.table.add_row(*cells)


def _rounded(milliseconds: float | None) -> str:
    return "" if milliseconds is None else f"{milliseconds:.1f}"


def _who(rehearsed: Rehearsed) -> str:
    verdict = rehearsed.passage.verdict if rehearsed.passage else None
    if verdict is None:
        return ""
    holder = verdict.entry.holder if verdict.entry else ""
    return holder or (verdict.record.owner if verdict.record else "")


def _barrier(rehearsed: Rehearsed) -> str:
    passage = rehearsed.passage
    pulses = ", ".join(f"{pulse:.0f} ms" for pulse in rehearsed.pulses_ms)
    text = passage.barrier.split(", same visit")[0] if passage else ""
    return f"{text} (relay {pulses})" if pulses else text
