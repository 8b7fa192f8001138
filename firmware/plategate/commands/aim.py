# SPDX-License-Identifier: Apache-2.0
"""`plategate aim`: rate live stills or pictures for legibility of their plates.

Prints what to change and can show the grade on the status lamps. Exit status 0 if every picture
could be opened.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from plategate.terminal import Config

if TYPE_CHECKING:
    from collections.abc import Callable

    from plategate.aiming.report import AimReport
    from plategate.hardware.interfaces import Camera
    from plategate.settings import Settings
    from plategate.vision.pipeline import Pipeline


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command("aim")(aim)


def aim(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            help="pictures or folders; -: pictures from standard input; none: the camera, live"
        ),
    ] = None,
    config: Config = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="one line of JSON for each still")
    ] = False,
    stills: Annotated[
        int, typer.Option(min=0, help="live: stop after this many stills; 0: at Ctrl-C")
    ] = 0,
    lamps: Annotated[
        bool, typer.Option("--lamps", help="live: green good, yellow fair, red bad")
    ] = False,
) -> None:
    """Measure plate size, sharpness, contrast, saturation, tilt and motion blur."""
    from plategate.hardware.board import running_camera
    from plategate.settings import load_settings
    from plategate.vision.pipeline import build_pipeline

    settings = load_settings(config)
    pipeline = build_pipeline(settings.vision, countries=settings.format_countries)
    if files == [Path("-")]:
        _print_live(_assess_input(pipeline, sys.stdin.buffer), as_json)
        return
    if files:
        raise typer.Exit(_assess_files(pipeline, files, as_json))
    with (
        running_camera(settings.camera, settings.pins) as camera,
        _grade_lamps(settings, enabled=lamps) as show_grade,
    ):
        numbers = itertools.count() if stills == 0 else range(stills)
        try:
            _print_live((_assess_next(pipeline, camera, show_grade) for _ in numbers), as_json)
        except KeyboardInterrupt:
            return


def _assess_files(pipeline: Pipeline, files: list[Path], as_json: bool) -> int:
    from plategate.aiming.report import assess_still
    from plategate.errors import ImageError
    from plategate.vision.images import load_still

    status = 0
    for file in _expanded(files):
        try:
            report = assess_still(pipeline, load_still(file))
        except ImageError as error:
            status = 1
            line = {"file": str(file), "error": str(error)}
            print(json.dumps(line) if as_json else f"{file}: {error}")
            continue
        _print(report, as_json)
    return status


def _assess_input(pipeline: Pipeline, stream: BinaryIO) -> Iterator[AimReport]:
    """Rate pictures from a stream: each is a line with its number of bytes, then the bytes.

    Raises ImageError.
    """
    from plategate.aiming.report import assess_still
    from plategate.errors import ImageError
    from plategate.vision.images import jpeg_still

    while line := stream.readline(20):
        if not line.strip().isdigit():
            raise ImageError(f"standard input: {line!r} is not a number of bytes")
        yield assess_still(pipeline, jpeg_still(stream.read(int(line)), "standard input"))


def _expanded(files: list[Path]) -> Iterator[Path]:
    from plategate.vision.images import find_pictures

    for file in files:
        # A folder without pictures is kept, so that it is reported as an error.
        yield from find_pictures([file]) or [file]


def _assess_next(
    pipeline: Pipeline, camera: Camera, show_grade: Callable[[AimReport], None]
) -> AimReport:
    """Take and rate the next still; CameraError if the camera fails."""
    from plategate.aiming.report import assess_still
    from plategate.clock import SystemClock

    report = assess_still(pipeline, next(camera.burst(1, SystemClock().monotonic())))
    show_grade(report)
    return report


def _print_live(reports: Iterator[AimReport], as_json: bool) -> None:
    from rich.live import Live

    from plategate.aiming.report import report_table
    from plategate.terminal.console import Console

    console = Console()
    if as_json or not console.is_terminal:
        for report in reports:
            _print(report, as_json)
        return
    with Live(console=console, auto_refresh=False) as live:
        for report in reports:
            live.update(report_table(report), refresh=True)


def _print(report: AimReport, as_json: bool) -> None:
    from plategate.aiming.report import report_table
    from plategate.terminal.console import Console

    if as_json:
        print(json.dumps(report.document(), ensure_ascii=False), flush=True)
    else:
        Console().print(report_table(report))


@contextmanager
def _grade_lamps(settings: Settings, *, enabled: bool) -> Iterator[Callable[[AimReport], None]]:
    """A function that shows a report's grade on the status lamps, if enabled."""
    if not enabled:
        yield lambda _: None
        return
    from plategate.aiming.advice import SIGNALS
    from plategate.clock import SystemClock
    from plategate.hardware.board import opened_factory
    from plategate.hardware.gpio.lamps import GpioLamps

    silent = settings.lamps.model_copy(update={"buzzer_for_results": False})
    with opened_factory(settings.pins) as factory:
        lamps = GpioLamps(pins=settings.pins, settings=silent, factory=factory, clock=SystemClock())
        try:
            yield lambda report: lamps.show(SIGNALS[report.grade])
        finally:
            lamps.close()
