# SPDX-License-Identifier: Apache-2.0
"""Run an outside plate reader on the same pictures in turn; compare accuracy and processor time.

The outside reader is a command that takes picture paths on standard input, one a line, and answers
each with one JSON line: {"file", "plates": [{"text", "confidence", "box": [x0, y0, x1, y1]}],
"cpu_ms", "rss_mb"}. `cpu_ms` is the processor time after decoding the file, which is what is
counted of Plategate too. Both readers get each picture one after the other, so that a change in the
speed of a shared machine affects both.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarking.conditions import degrade
from benchmarking.labels import Box, LabelledPicture
from benchmarking.measure import READ_IOU, PictureResult, measure
from plategate.plates.text import fold
from plategate.vision.boxes import intersection_over_union
from plategate.vision.images import load_still
from plategate.vision.pipeline import Pipeline


@dataclass(frozen=True)
class Reading:
    """The result of one reader on one picture: a text ("" for none) for each labelled plate."""

    texts: tuple[str, ...]
    cpu_ms: float
    resident_mb: float


@dataclass(frozen=True)
class Pair:
    """One picture read by Plategate and by the other reader."""

    picture: LabelledPicture
    ours: Reading
    theirs: Reading


class OutsideReader:
    """The outside reader as a child process; errors name the command."""

    def __init__(self, command: str) -> None:
        self._command = command
        try:
            self._process = subprocess.Popen(
                shlex.split(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        except (OSError, ValueError) as error:
            raise SystemExit(f"--beside {command!r}: cannot be started: {error}") from error

    def read(self, file: Path, boxes: Sequence[Box]) -> Reading:
        """Send one picture and wait for its answer."""
        assert self._process.stdin and self._process.stdout
        try:
            self._process.stdin.write(f"{file}\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise SystemExit(f"--beside {self._command!r}: ended with {self._process.wait()}")
        try:
            answer: dict[str, Any] = json.loads(line)
            plates = [(tuple(plate["box"]), str(plate["text"])) for plate in answer["plates"]]
            spent, resident = float(answer.get("cpu_ms", 0.0)), float(answer.get("rss_mb", 0.0))
        except (ValueError, KeyError, TypeError) as error:
            raise SystemExit(f"--beside {self._command!r}: not an answer: {line!r}") from error
        return Reading(tuple(_text_at(plates, box) for box in boxes), spent, resident)

    def close(self) -> None:
        """End of pictures; wait for the process to exit."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()


def compare(
    pipeline: Pipeline,
    pictures: Sequence[LabelledPicture],
    condition: str | None,
    command: str,
    every: bool = True,
) -> Iterator[Pair]:
    """Each picture read by both, in turn; degraded pictures are handed over as PNG files."""
    outside = OutsideReader(command)
    with tempfile.TemporaryDirectory(prefix="plategate-benchmark-") as folder:
        for picture in pictures:
            result = next(measure(pipeline, [picture], condition, every))
            shown = _as_file(picture, condition, Path(folder))
            theirs = outside.read(shown.file, [plate.box for plate in shown.plates])
            yield Pair(picture, _ours(result), theirs)
    outside.close()


def as_table(pairs: Sequence[Pair]) -> str:
    """Markdown: right, wrong and none of the plates with text, CPU milliseconds, memory, ratios."""
    lines = [
        "| reader | plates | right | wrong | none | CPU ms median | mean | p95 | resident MB |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    times = []
    columns = {
        "Plategate": [pair.ours for pair in pairs],
        "the other reader": [pair.theirs for pair in pairs],
    }
    for name, readings in columns.items():
        counts = Counter(
            _outcome(text, plate.text)
            for pair, reading in zip(pairs, readings, strict=True)
            for plate, text in zip(pair.picture.plates, reading.texts, strict=True)
            if plate.text
        )
        spent = np.array([reading.cpu_ms for reading in readings])
        times.append((np.median(spent), spent.mean(), np.percentile(spent, 95)))
        cells = [counts.total(), *(counts[outcome] for outcome in ("right", "wrong", "none"))]
        resident = max(reading.resident_mb for reading in readings)
        clock = " | ".join(f"{value:.1f}" for value in times[-1])
        lines.append(f"| {name} | {' | '.join(map(str, cells))} | {clock} | {resident:.0f} |")
    ratios = [_ratio(ours, theirs) for ours, theirs in zip(*times, strict=True)]
    lines.append(f"| ratio | | | | | {' | '.join(f'{ratio:.2f}' for ratio in ratios)} | |")
    share = _ratio(times[0][2], times[1][1])
    lines.append(f"\nPlategate's 95th percentile over the other reader's mean: {share:.2f}.")
    return "\n".join(lines)


def _outcome(text: str, truth: str) -> str:
    """Right to the last character (O=0 and I=1 folded), wrong, or none."""
    if not text:
        return "none"
    return "right" if fold(text) == fold(truth) else "wrong"


def _ratio(ours: float, theirs: float) -> float:
    return float(ours / theirs) if theirs else float("nan")


def _ours(result: PictureResult) -> Reading:
    texts = tuple(plate.text for plate in result.plates)
    return Reading(texts, result.milliseconds["total"], _resident_mb())


def _as_file(picture: LabelledPicture, condition: str | None, folder: Path) -> LabelledPicture:
    if condition is None:
        return picture
    image, boxes = degrade(
        condition,
        load_still(picture.file).image,
        [p.box for p in picture.plates],
        picture.file.name,
    )
    file = folder / "picture.png"
    cv2.imwrite(str(file), image)
    moved = [replace(plate, box=box) for plate, box in zip(picture.plates, boxes, strict=True)]
    return replace(picture, file=file, plates=tuple(moved))


def _text_at(plates: Sequence[tuple[Box, str]], box: Box) -> str:
    shares = [(intersection_over_union(found, box), text) for found, text in plates]
    share, text = max(shares, default=(0.0, ""))
    return text if share >= READ_IOU else ""


def _resident_mb() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024
