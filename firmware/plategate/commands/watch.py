# SPDX-License-Identifier: Apache-2.0
"""`plategate watch`: show inputs, distance and lane state live in the terminal.

The values come from the running gate; with --direct the command reads the pins itself, for wiring
before the gate runs. Nothing moves.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from plategate.terminal import Config

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.table import Table

    from plategate.settings import Settings

LEVEL_STYLES = {"active": "bold yellow", "inactive": "green", "unknown": "bold red"}
LANE_ROWS = (
    "mode",
    "signal",
    "armed",
    "reading",
    "arm",
    "held",
    "fault",
    "fire",
    "camera",
    "passages",
)


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command("watch")(watch)


def watch(
    direct: Annotated[
        bool, typer.Option("--direct", help="read the pins directly; stop the gate first")
    ] = False,
    every: Annotated[float, typer.Option(min=0.05, max=60, help="seconds between updates")] = 0.2,
    looks: Annotated[int, typer.Option(min=0, help="number of updates; 0: until Ctrl-C")] = 0,
    config: Config = None,
) -> None:
    """Show inputs and lane state live."""
    from plategate.health.running_gate import running_gate
    from plategate.settings import load_settings

    settings = load_settings(config) if direct else running_gate(config)[0]
    with _direct(settings) if direct else _gate(settings) as ask:
        try:
            _show(ask, every, looks)
        except KeyboardInterrupt:
            return


def _show(ask: Callable[[], dict[str, Any]], every_s: float, looks: int) -> None:
    from rich.live import Live

    from plategate.terminal.console import Console

    console = Console()
    number = 0
    with Live(console=console, auto_refresh=False, transient=False) as live:
        while True:
            live.update(watch_table(ask()), refresh=True)
            number += 1
            if looks and number >= looks:
                return
            time.sleep(every_s)


def watch_table(seen: dict[str, Any]) -> Table:
    """The table for one update: `inputs` (name to level), `metres`, and LANE_ROWS."""
    from rich.table import Table
    from rich.text import Text

    title = Text(seen.get("title", "lane"))
    table = Table(title=title, title_justify="left", expand=False)
    table.add_column("")
    table.add_column("is")
    stuck = seen.get("stuck", ())
    for name, level in seen.get("inputs", {}).items():
        words = f"{level}, stuck and ignored" if name in stuck else level
        table.add_row(name, Text(words, style=LEVEL_STYLES.get(level, "")))
    if "metres" in seen:
        table.add_row("distance, metres", _metres(seen["metres"]))
    table.add_section()
    for name in LANE_ROWS:
        if name in seen:
            table.add_row(name, _word(seen[name]))
    for sentence in seen.get("faults", ()):
        table.add_row("[red]fault[/]", Text(sentence))
    return table


def _metres(metres: str | float | None) -> str:
    if metres is None:
        return "unknown"
    if isinstance(metres, str):
        return metres
    return "nothing in range" if metres == float("inf") else f"{metres:.2f}"


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else str(value)


@contextmanager
def _gate(settings: Settings) -> Iterator[Callable[[], dict[str, Any]]]:
    """Read the status of the running gate."""
    from plategate.health.socket import ask_status

    def ask() -> dict[str, Any]:
        document = ask_status(settings.health.socket)
        lane = document.get("lane", {})
        failures = [f"{f['name']}: {f['sentence']}" for f in document.get("failures", ())]
        seen = {**lane, "title": f"lane {lane.get('lane', '')}", "faults": failures}
        if settings.pins.distance is not None:
            seen["metres"] = document.get("metres")
        return seen

    yield ask


@contextmanager
def _direct(settings: Settings) -> Iterator[Callable[[], dict[str, Any]]]:
    """Read the pins. Claims no relay and opens no camera."""
    from plategate.clock import SystemClock
    from plategate.hardware.board import opened_factory
    from plategate.hardware.gpio.inputs import GpioInputs
    from plategate.hardware.gpio.timers import TimerThread

    clock, timer = SystemClock(), TimerThread("debounce")
    with opened_factory(settings.pins) as factory:
        contacts = GpioInputs(
            pins=settings.pins, factory=factory, clock=clock, call_later=timer.call_later
        )
        measure = _distance(settings, factory)
        try:
            contacts.start(lambda name, level, at_s: None)  # noqa: ARG005

            def ask() -> dict[str, Any]:
                levels = {str(n): str(contacts.level(n)) for n in sorted(contacts.wired())}
                return {"title": "pins, read directly", "inputs": levels, **measure()}

            yield ask
        finally:
            contacts.close()
            timer.close()


def _distance(settings: Settings, factory: Any) -> Callable[[], dict[str, Any]]:
    """A function that measures once per call; it returns {} where no sensor is wired."""
    from plategate.errors import PinError
    from plategate.hardware.gpio.ultrasonic import DistanceFilter, UltrasonicSensor

    if settings.pins.distance is None:
        return dict
    chosen = settings.triggers.distance
    sensor = UltrasonicSensor(
        pins=settings.pins.distance, factory=factory, temperature_c=chosen.temperature_c
    )
    echoes = DistanceFilter(chosen)

    def measure() -> dict[str, Any]:
        try:
            echoes.feed(sensor.measure_m())
        except PinError as error:
            echoes.fail(str(error))
        faults = [echoes.fault] if echoes.fault else []
        return {"metres": echoes.metres, "faults": faults}

    return measure
