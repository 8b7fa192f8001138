# SPDX-License-Identifier: Apache-2.0
"""`plategate run --rehearse scenario.toml`: the story as it goes, and what came of it."""

from __future__ import annotations

import logging
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from plategate.rehearsal.scenario import play
from plategate.rehearsal.scenario_compare import Played
from plategate.rehearsal.scenario_file import load_scenario


def run_scenario(file: Path) -> int:
    """Play one scenario; 1 where something is not as it must be."""
    logging.getLogger("plategate").setLevel(logging.CRITICAL)  # the story says it
    scenario = load_scenario(file)
    console = Console(highlight=False)
    console.print(f"[bold]{escape(scenario.title)}[/bold]\n{escape(scenario.promise)}\n")
    played = play(
        scenario, file.parent, lambda at_s, say: console.print(f"{at_s:9.1f} s  {escape(say)}")
    )
    _show(console, played)
    return 1 if played.wrong else 0


def _show(console: Console, played: Played) -> None:
    console.print("\nRelays")
    for at_s, name, is_on in played.relay:
        console.print(f"{at_s:9.1f} s  {name} {'on' if is_on else 'off'}")
    console.print("Passages")
    for passage in played.passages:
        plate = passage.reading.text if passage.reading else "-"
        verdict = f"{passage.verdict.result.value}: {passage.verdict.reason.value}"
        console.print(f"  {passage.trigger:<12} {plate:<10} {verdict:<26} {passage.barrier}")
    console.print("Reports")
    for report in played.logbook.reports:
        console.print(f"  {report.what} {report.detail}")
    for sentence in played.wrong:
        console.print(f"[red]wrong:[/red] {escape(sentence)}")
    console.print("" if played.wrong else "[green]All as it must be.[/green]")
