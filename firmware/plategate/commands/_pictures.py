# SPDX-License-Identifier: Apache-2.0
"""Run the pipeline over the pictures named on the command line, one outcome a picture, in order.

Used by `read` and `decide`. A picture that cannot be used is an outcome with an error and disturbs
no other.
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

# A bar for a handful of pictures would be gone before it is seen.
PROGRESS_FROM = 5


@dataclass(frozen=True, slots=True)
class Outcome:
    """One picture: what was read in it, or why it could not be used."""

    file: Path
    reading: StillReading | None = None
    milliseconds: tuple[tuple[str, float], ...] = ()
    error: str | None = None


def read_pictures(pipeline: Pipeline, named: list[Path]) -> Iterator[Outcome]:
    """Decode and read every picture that was named, and every one in the folders that were.

    On a terminal a bar on stderr shows how far the work is.
    """
    from plategate.vision.images import find_pictures

    # A folder without any stays itself, to be named as such instead of being passed over.
    files = [file for each in named for file in find_pictures([each]) or [each]]
    with _progress(len(files)) as advance:
        for file in files:
            yield read_picture(pipeline, file)
            advance()


def read_picture(pipeline: Pipeline, file: Path) -> Outcome:
    """Decode and read one file."""
    from plategate.vision.images import load_still

    if file.is_dir():
        return Outcome(file, error="no pictures found in this folder")
    started = time.perf_counter()
    try:
        still = load_still(file)
    except ImageError as error:
        return Outcome(file, error=str(error))
    decoded_ms = (time.perf_counter() - started) * 1000.0
    reading = pipeline.read_still(still)
    spent = {"decode": decoded_ms, **dict(reading.milliseconds)}
    spent["total"] = (time.perf_counter() - started) * 1000.0
    return Outcome(file, reading, tuple(spent.items()))


@contextmanager
def _progress(count: int) -> Iterator[Callable[[], None]]:
    if count < PROGRESS_FROM or not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress

    # Lines are printed above the bar where both go to the terminal; a pipe gets them untouched.
    both = sys.stdout.isatty()
    with Progress(console=Console(stderr=True), transient=True, redirect_stdout=both) as bar:
        task = bar.add_task("reading", total=count)
        yield lambda: bar.advance(task)
