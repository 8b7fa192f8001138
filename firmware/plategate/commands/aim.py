# SPDX-License-Identifier: Apache-2.0
"""`plategate aim`: measure on live stills, or on pictures, whether plates can be read from here.

Says in words, and with the lamps, what to change. Exit status 0 when every picture was looked at.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from plategate.commands._board import Config, opened_factory, running_camera

if TYPE_CHECKING:
    from collections.abc import Callable

    from plategate.aiming.report import Look
    from plategate.settings import Settings
    from plategate.vision.pipeline import Pipeline

PAUSE_S = 0.3


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command("aim")(aim)


def aim(
    files: Annotated[
        list[Path] | None, typer.Argument(help="pictures or folders; none: the camera, live")
    ] = None,
    config: Config = None,
    as_json: Annotated[bool, typer.Option("--json", help="one line of JSON a still")] = False,
    stills: Annotated[
        int, typer.Option(min=0, help="live: end after so many stills; 0: at Ctrl-C")
    ] = 0,
    lamps: Annotated[
        bool, typer.Option("--lamps", help="live: green good, yellow fair, red bad")
    ] = False,
) -> None:
    """Measure plate size, sharpness, contrast, saturation, tilt and motion blur."""
    from plategate.settings import load_settings
    from plategate.vision.pipeline import build_pipeline

    settings = load_settings(config)
    pipeline = build_pipeline(settings.vision)
    if files:
        raise typer.Exit(_look_at_files(pipeline, files, as_json))
    with running_camera(settings) as camera, _lamps(settings, lamps) as show:
        numbers = itertools.count() if stills == 0 else range(stills)
        try:
            _live((_shown(_look(pipeline, camera), show) for _ in numbers), as_json)
        except KeyboardInterrupt:
            return


def _look_at_files(pipeline: Pipeline, files: list[Path], as_json: bool) -> int:
    from plategate.aiming.report import look_at
    from plategate.errors import ImageError
    from plategate.vision.images import load_still

    failed = 0
    for file in _expanded(files):
        try:
            look = look_at(pipeline, load_still(file))
        except ImageError as error:
            failed = 1
            line = {"file": str(file), "error": str(error)}
            print(json.dumps(line) if as_json else f"{file}: {error}")
            continue
        _print(look, as_json)
    return failed


def _expanded(files: list[Path]) -> Iterator[Path]:
    from plategate.vision.images import find_pictures

    for file in files:
        # A folder without any stays itself, to be named as such instead of being passed over.
        yield from find_pictures([file]) or [file]


def _look(pipeline: Pipeline, camera: object) -> Look:
    """The next still; a camera that fails ends the command with its sentence."""
    from plategate.aiming.report import look_at
    from plategate.clock import SystemClock

    still = next(camera.burst(1, SystemClock().monotonic()))  # type: ignore[attr-defined]
    return look_at(pipeline, still)


def _shown(look: Look, show: Callable[[Look], None]) -> Look:
    show(look)
    return look


def _live(looks: Iterator[Look], as_json: bool) -> None:
    from rich.console import Console
    from rich.live import Live

    from plategate.aiming.report import table_of

    console = Console()
    if as_json or not console.is_terminal:
        for look in looks:
            _print(look, as_json)
        return
    with Live(console=console, auto_refresh=False) as live:
        for look in looks:
            live.update(table_of(look), refresh=True)


def _print(look: Look, as_json: bool) -> None:
    from rich.console import Console

    from plategate.aiming.report import table_of

    if as_json:
        print(json.dumps(look.document(), ensure_ascii=False), flush=True)
    else:
        Console().print(table_of(look))


@contextmanager
def _lamps(settings: Settings, wanted: bool) -> Iterator[Callable[[Look], None]]:
    """What shows a grade with the status lamps, as far as they are asked for."""
    if not wanted:
        yield lambda look: None  # noqa: ARG005
        return
    from plategate.aiming.advice import SIGNALS
    from plategate.clock import SystemClock
    from plategate.hardware.gpio.lamps import GpioLamps

    silent = settings.lamps.model_copy(update={"buzzer_for_results": False})
    with opened_factory(settings) as factory:
        shown = GpioLamps(pins=settings.pins, settings=silent, factory=factory, clock=SystemClock())
        try:
            yield lambda look: shown.show(SIGNALS[look.grade])
        finally:
            shown.close()
