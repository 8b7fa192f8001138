# SPDX-License-Identifier: Apache-2.0
"""`plategate status`: the state of the running gate; exit status 1 if there is a failure."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any

import typer

from plategate.commands.occupancy import line_of
from plategate.terminal import Config


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command("status")(status)


def status(
    config: Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the whole status as JSON")] = False,
) -> None:
    """Show the state of the running gate: failures, lane, threads and counters."""
    from plategate.health.running_gate import running_gate

    _, document, elsewhere = running_gate(config)
    if elsewhere is not None:
        sys.stderr.write(f"plategate: {elsewhere}\n")
    if as_json:
        print(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        _print_for_people(document)
    raise typer.Exit(1 if document["failures"] or not document["ready"] else 0)


def _print_for_people(document: dict[str, Any]) -> None:
    from rich.markup import escape

    from plategate.catalogue import duration
    from plategate.terminal.console import Console

    console = Console(highlight=False, soft_wrap=True)
    state = "[green]ready[/]" if document["ready"] else "[yellow]starting[/]"
    running = duration(document["running_s"])
    console.print(f"plategate {document['version']}: {state}, running for {running}")
    for failure in document["failures"]:
        lasted = duration(failure["lasted_s"])
        sentence = escape(failure["sentence"])
        console.print(f"[red]failing[/] {failure['name']} for {lasted}: {sentence}")
    new = document.get("new_settings")
    if new is not None:
        keys, waits = ", ".join(new["keys"]), duration(new["waiting_s"])
        console.print(f"new settings have been waiting for {waits} ({new['waits_for']}): {keys}")
    if not document["failures"]:
        console.print("no failures")
    if (lane := document.get("lane")) is not None:
        signal = lane["signal"].replace("_", " ")
        console.print(f"lane {escape(lane['lane'])}: {lane['mode']}, {signal}, arm {lane['arm']}")
    if (listed := document.get("allow_list")) is not None:
        console.print(f"allow list: {_listed(listed)}")
    for group in document.get("occupancy") or ():
        console.print(f"inside, {escape(line_of(group))}")
    for name, reason in document.get("unavailable", {}).items():
        console.print(f"[yellow]unavailable[/] {name}: {escape(reason)}")
    for name, thread in document["threads"].items():
        console.print(f"thread {name}: last heartbeat {thread['silent_s']:.1f} s ago")
    for name, count in sorted(document["counts"].items()):
        age = document["ages_s"].get(name)
        console.print(f"{name}: {count}" + ("" if age is None else f", last {duration(age)} ago"))
    for failure in document["past_failures"][-5:]:
        lasted = duration(failure["lasted_s"])
        console.print(f"past failure: {failure['name']} at {failure['began_at']} for {lasted}")


def _listed(found: dict[str, Any]) -> str:
    from plategate.catalogue import duration

    if found["entries"] is None:
        return "none"
    return f"{found['entries']} entries, last confirmed {duration(found['age_s'])} ago"
