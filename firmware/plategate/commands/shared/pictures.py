# SPDX-License-Identifier: Apache-2.0
"""Run the pipeline over the pictures given on the command line, in order.

Used by `read` and `decide`. A picture that cannot be used gives a result with an error, and the
others are still read.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from plategate.errors import ImageError

if TYPE_CHECKING:
    from plategate.vision.pipeline import Pipeline, StillReading

# With fewer pictures a progress bar would vanish at once.
PROGRESS_FROM = 5


@dataclass(frozen=True, slots=True)
class PictureResult:
    """One picture with its reading, or the error that prevented it."""

    file: Path
    reading: StillReading | None = None
    milliseconds: tuple[tuple[str, float], ...] = ()
    error: str | None = None


def read_pictures(pipeline: Pipeline, named: list[Path]) -> Iterator[PictureResult]:
    """Decode and read the given pictures, and all pictures in the given folders.

    On a terminal a progress bar is shown on stderr.
    """
    from plategate.vision.images import find_pictures

    # A folder without pictures stays in the list and gets an error of its own.
    files = [file for each in named for file in find_pictures([each]) or [each]]
    with _progress(len(files)) as advance:
        for file in files:
            yield read_picture(pipeline, file)
            advance()


def read_picture(pipeline: Pipeline, file: Path) -> PictureResult:
    """Decode and read one file."""
    from plategate.vision.images import load_still

    if file.is_dir():
        return PictureResult(file, error="no pictures found in this folder")
    started = time.perf_counter()
    try:
        still = load_still(file)
    except ImageError as error:
        return PictureResult(file, error=str(error))
    decoded_ms = (time.perf_counter() - started) * 1000.0
    reading = pipeline.read_still(still)
    spent = {"decode": decoded_ms, **dict(reading.milliseconds)}
    spent["total"] = (time.perf_counter() - started) * 1000.0
    return PictureResult(file, reading, tuple(spent.items()))


@contextmanager
def _progress(count: int) -> Iterator[Callable[[], None]]:
    if count < PROGRESS_FROM or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.progress import Progress

    from plategate.terminal.console import Console

    # If stdout is the same terminal, lines are printed above the bar.
    both = sys.stdout.isatty()
    with Progress(console=Console(stderr=True), transient=True, redirect_stdout=both) as bar:
        task = bar.add_task("reading", total=count)
        yield lambda: bar.advance(task)
