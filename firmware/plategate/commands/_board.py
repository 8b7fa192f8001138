# SPDX-License-Identifier: Apache-2.0
"""Open single parts of the board for the commands of the installer, and close them in any case."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
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
    from plategate.hardware.gpio_factory import open_factory

    factory = open_factory(settings.pins)
    try:
        yield factory
    finally:
        factory.close()


@contextmanager
def running_camera(settings: Settings) -> Iterator[AnyCamera]:
    """The camera, running. Its IR lamp is used where it is wired and the night's profile asks."""
    from plategate.clock import SystemClock
    from plategate.hardware.board import open_camera

    camera = open_camera(settings.camera, clock=SystemClock())
    camera.start()
    try:
        yield camera
    finally:
        camera.close()
