# SPDX-License-Identifier: Apache-2.0
"""`plategate run --rehearse DIR`: each picture is one vehicle; prints a table, writes pictures.

The folder may also contain allow.csv, block.csv, wanted.csv, records.csv and settings.toml; without
lists, those of the settings are used. State, crops and annotated pictures go to the --out folder.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import tempfile
from pathlib import Path

import typer
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from plategate.access.store.importing import import_list_file, import_record_file
from plategate.access.store.lists import ListName
from plategate.commands.shared.passages import COLOURS
from plategate.errors import reason_of
from plategate.rehearsal.pictures import PictureRehearsal, Rehearsed, rehearsal_settings
from plategate.settings import Settings, load_settings
from plategate.terminal.console import Console
from plategate.vision.images import find_pictures

PIPE_WIDTH = 165  # columns of the table where the output is not a terminal
TIMES = "wall time in ms per vehicle, summed over its stills"
STAGES = ("capture", "localize", "read", "decide", "relay", "total")
FULL_WIDTH = 125


def run_pictures(
    config: Path | None, folder: Path, lists: list[Path], records: Path | None, out: Path | None
) -> int:
    """Run the rehearsal; returns the exit status."""
    if not folder.is_dir():
        raise typer.BadParameter(f"{folder}: no such folder", param_hint="--rehearse")
    logging.getLogger("plategate").setLevel(logging.CRITICAL)  # the table shows the results
    pictures = find_pictures([folder])
    if not pictures:
        raise typer.BadParameter(f"{folder}: holds no pictures", param_hint="--rehearse")
    with contextlib.ExitStack() as stack:
        try:
            state = _state_folder(out, stack)
        except OSError as error:
            raise typer.BadParameter(f"{out}: {reason_of(error)}", param_hint="--out") from None
        settings = prepared_settings(settings_beside(config, folder), folder, lists, records, state)
        return _rehearse(settings, folder, pictures, out)


def _state_folder(out: Path | None, stack: contextlib.ExitStack) -> Path:
    """A new folder for lists and journal: kept in `out`, else removed with `stack`."""
    if out is None:
        return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="plategate-rehearsal-")))
    out.mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(prefix="state-", dir=out))


def _rehearse(settings: Settings, folder: Path, pictures: list[Path], out: Path | None) -> int:
    console = Console(width=None if sys.stdout.isatty() else PIPE_WIDTH)
    table = RehearsalTable(f"Rehearsal of {escape(str(folder))} ({TIMES})", console.width)
    shown: list[Rehearsed] = []
    live = Live(table.table, console=console, auto_refresh=False, vertical_overflow="visible")
    # A terminal gets a live table; a pipe gets it once, at the end.
    with live if console.is_terminal else contextlib.nullcontext():

        def done(rehearsed: Rehearsed) -> None:
            shown.append(rehearsed)
            table.add(rehearsed)
            if out is not None:
                _leave_pictures(out, rehearsed)
            if live.is_started:
                live.refresh()

        rehearsal = PictureRehearsal(settings, pictures, done)
        finished = rehearsal.run()
    if not console.is_terminal:
        console.print(table.table)
    for sentence in rehearsal.degraded:
        console.print(escape(sentence))
    opened = sum(bool(item.pulses_ms) for item in shown)
    kept = "Crops, annotated pictures and the journal: " + escape(str(out))
    if out is None:
        kept = "--out DIR keeps crops, annotated pictures and the journal."
    console.print(f"{len(shown)} vehicles, opened for {opened}. {kept}")
    if not finished:
        console.print("Stopped early; the relay is off.")
        return 130
    if not any(item.sighting for item in shown):
        console.print("No picture went through the pipeline.")
        return 1
    return 0


def settings_beside(config: Path | None, folder: Path) -> Settings:
    """The given settings, else those in the folder of pictures, else the defaults."""
    own = folder / "settings.toml"
    return load_settings(config or (own if own.exists() else None))


def prepared_settings(
    settings: Settings, folder: Path, lists: list[Path], records: Path | None, state: Path
) -> Settings:
    """Settings with the given lists, or those in the folder; the real lists are never written."""
    found = lists or [path for name in ListName if (path := folder / f"{name}.csv").exists()]
    if records is None and (folder / "records.csv").exists():
        records = folder / "records.csv"
    own = state / "lists.sqlite" if found or records else None
    prepared = rehearsal_settings(settings, state, own)
    for file in found:
        import_list_file(prepared.access, file, name=_list_of(file), who="rehearsal")
    if records is not None:
        import_record_file(prepared.access, records)
    return prepared


def _list_of(file: Path) -> ListName:
    return ListName(file.stem) if file.stem in list(ListName) else ListName.ALLOW


def _leave_pictures(out: Path, rehearsed: Rehearsed) -> None:
    """Write the crop that was read and the annotated still, named by time, plate and picture."""
    from plategate.commands.shared.picture_files import picture_name, write_picture
    from plategate.vision.annotate import Mark, annotate

    sighting, passage = rehearsed.sighting, rehearsed.passage
    if sighting is None or passage is None or sighting.still is None:
        return
    text = sighting.reading.text if sighting.reading else "no-plate"
    name = picture_name(passage.triggered_at, text, rehearsed.picture)
    marks = []
    if sighting.plate is not None and sighting.reading is not None:
        write_picture(out / "crops" / f"{name}.png", sighting.plate.crop)
        corners, sure = sighting.plate.region.corners, sighting.reading.confidence
        marks = [Mark(corners, text, sure, passage.verdict.result)]
    write_picture(out / "annotated" / f"{name}.jpg", annotate(sighting.still.image, marks))


class RehearsalTable:
    """The table of a rehearsal, one row a vehicle; fewer columns on a narrow terminal."""

    def __init__(self, title: str, width: int) -> None:
        self._full = width >= FULL_WIDTH
        self.table = Table(title=title, title_justify="left")
        for column in ("picture", "plate", "verdict"):
            self.table.add_column(column, no_wrap=column == "plate", overflow="fold")
        if self._full:
            self.table.add_column("holder or owner")
        self.table.add_column("barrier")
        if self._full:
            self.table.add_column("stills", justify="right")
        for stage in STAGES if self._full else STAGES[-1:]:
            self.table.add_column(stage, justify="right", no_wrap=True)

    def add(self, rehearsed: Rehearsed) -> None:
        """Add the row of one vehicle."""
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
        if self._full:
            cells.append(str(rehearsed.sighting.stills) if rehearsed.sighting else "")
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
