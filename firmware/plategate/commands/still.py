# SPDX-License-Identifier: Apache-2.0
"""`plategate still`: take stills with the settings of the gate and save them as pictures.

The gate must be stopped, because only one process can use the camera.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from plategate.terminal import Config


def register(app: typer.Typer) -> None:
    """Add the command to the root."""
    app.command("still")(still)


def still(
    file: Annotated[
        Path, typer.Argument(help="file to write; several become still-1.jpg, still-2.jpg …")
    ] = Path("still.jpg"),
    count: Annotated[int, typer.Option(min=1, max=100, help="number of stills in one burst")] = 1,
    config: Config = None,
) -> None:
    """Take stills and print when the exposure of each began, counted from the request."""
    from plategate.clock import SystemClock
    from plategate.hardware.board import running_camera
    from plategate.settings import load_settings

    settings = load_settings(config)
    with running_camera(settings.camera, settings.pins) as camera:
        asked_s = SystemClock().monotonic()
        for number, taken in enumerate(camera.burst(count, asked_s), start=1):
            target = file if count == 1 else file.with_stem(f"{file.stem}-{number}")
            _write(target, taken.image)
            height, width = taken.image.shape[:2]
            after_ms = ((taken.exposed_at_s or asked_s) - asked_s) * 1000
            print(f"{target}: {width} x {height}, exposed {after_ms:.0f} ms after the request")


def _write(target: Path, image: object) -> None:
    import cv2

    from plategate.errors import ImageError
    from plategate.output_files import whole_file

    try:
        written, data = cv2.imencode(target.suffix or ".jpg", image)  # type: ignore[call-overload]
    except cv2.error:
        written = False
    if not written:
        raise ImageError(f"{target}: the file name must end in .jpg or .png")
    try:
        with whole_file(target) as stream:
            stream.write(data.tobytes())
    except OSError as error:
        raise ImageError(f"{target}: cannot be written: {error.strerror}") from error
