# SPDX-License-Identifier: Apache-2.0
"""Open single parts of the board for the commands of the installer, and close them in any case."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from plategate.hardware.board import AnyCamera
    from plategate.settings import Settings

Config = Annotated[
    Path | None, typer.Option("--config", help="settings.toml; default: the one in force")
]


@contextmanager
def opened_factory(settings: Settings) -> Iterator[Any]:
    """The pins of the board."""
    from plategate.hardware.gpio.factory import open_factory

    factory = open_factory(settings.pins)
    try:
        yield factory
    finally:
        factory.close()


@contextmanager
def running_camera(settings: Settings) -> Iterator[AnyCamera]:
    """The camera, running, with its IR lamp where one is wired."""
    from plategate.clock import SystemClock
    from plategate.hardware.board import open_camera, open_ir_lamp

    clock = SystemClock()
    with ExitStack() as stack:
        lamp = None
        if settings.pins.ir_lamp is not None:
            factory = stack.enter_context(opened_factory(settings))
            lamp = open_ir_lamp(settings.pins, factory, clock, stack)
        camera = open_camera(settings.camera, clock=clock, ir_lamp=lamp)
        stack.callback(camera.close)
        camera.start()
        yield camera
