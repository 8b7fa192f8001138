# SPDX-License-Identifier: Apache-2.0
"""`plategate run --rehearse FILE.toml`: print a scenario step by step."""

from __future__ import annotations

import logging
from pathlib import Path

from rich.markup import escape

from plategate.rehearsal.scenario import play
from plategate.rehearsal.scenario_file import load_scenario
from plategate.rehearsal.scenario_result import ScenarioResult
from plategate.terminal.console import Console


def run_scenario(file: Path) -> int:
    """Run one scenario; 1 where an expectation is not met."""
    logging.getLogger("plategate").setLevel(logging.CRITICAL)  # the output shows the events
    scenario = load_scenario(file)
    console = Console(highlight=False)
    console.print(f"[bold]{escape(scenario.title)}[/bold]\n{escape(scenario.promise)}\n")
    result = play(
        scenario, file.parent, lambda at_s, say: console.print(f"{at_s:9.1f} s  {escape(say)}")
    )
    _show(console, result)
    return 1 if result.wrong else 0


def _show(console: Console, result: ScenarioResult) -> None:
    console.print("\nRelays")
    for at_s, name, is_on in result.relay:
        console.print(f"{at_s:9.1f} s  {name} {'on' if is_on else 'off'}")
    console.print("Passages")
    for passage in result.passages:
        plate = passage.reading.text if passage.reading else "-"
        verdict = f"{passage.verdict.result.value}: {passage.verdict.reason.value}"
        line = f"  {passage.trigger:<12} {plate:<10} {verdict:<26} {passage.barrier}"
        console.print(escape(line), soft_wrap=True)
    console.print("Reports")
    for report in result.log.reports:
        console.print(escape(f"  {report.what} {report.detail}"), soft_wrap=True)
    for sentence in result.wrong:
        console.print(f"[red]wrong:[/red] {escape(sentence)}", soft_wrap=True)
    console.print("" if result.wrong else "[green]All expectations met.[/green]")
