# SPDX-License-Identifier: Apache-2.0
"""Measures the shipped reader, as the firmware runs it, on validation crops by set and condition.

It prints a Markdown table and writes a sheet of all errors and the reliability of its confidence.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import cv2
import numpy as np

from plategate.plates.text import fold
from plategate.values import PlateImage, PlateReading, PlateRegion
from plategate.vision.read.tflite import TfliteReader

from .conditions import CONDITIONS
from .samples import Crop, fit, load_crops, plain_cut
from .score import by_group

SHEET_COLUMNS = 6
NOWHERE = PlateRegion(((0, 0), (1, 0), (1, 1), (0, 1)), 1.0, "label")


def read(reader: TfliteReader, crop: Crop) -> PlateReading | None:
    """The firmware's reading of a crop cut at its label with the rectifier's margin."""
    grey = plain_cut(crop)
    return reader.read(PlateImage(grey, lambda: (grey,), grey, NOWHERE))


def groups_of(crops: list[Crop]) -> list[str]:
    """Set of every crop, plates with two lines apart."""
    return ["two lines" if crop.two_line else crop.source for crop in crops]


def measure(reader: TfliteReader, crops: list[Crop], name: str) -> list[PlateReading | None]:
    """Readings of all crops under one condition; every crop has its own fixed chance."""
    made = (CONDITIONS[name](crop, np.random.default_rng(at)) for at, crop in enumerate(crops))
    return [read(reader, crop) for crop in made]


def texts(readings: list[PlateReading | None]) -> list[str]:
    """Texts, empty where nothing was read."""
    return [reading.text if reading else "" for reading in readings]


def table(rows: dict[str, dict[str, float]]) -> str:
    """Rows of scores as Markdown."""
    names = list(next(iter(rows.values())))
    lines = ["| condition | " + " | ".join(names) + " |", "|---|" + "--:|" * len(names)]
    for name, scores in rows.items():
        lines.append(f"| {name} | " + " | ".join(f"{scores[key]:.1f}" for key in names) + " |")
    return "\n".join(lines)


def error_sheet(crops: list[Crop], readings: list[PlateReading | None]) -> np.ndarray | None:
    """Every error with truth, reading and confidence."""
    tiles = []
    for crop, reading in zip(crops, readings, strict=True):
        text = reading.text if reading else "-"
        if fold(text) == fold(crop.text):
            continue
        tile = np.zeros((84, 168), np.uint8)
        tile[:48, :160] = fit(plain_cut(crop))
        sure = f"{reading.confidence:.2f}" if reading else ""
        for row, line in ((60, crop.text), (76, f"{text} {sure}")):
            cv2.putText(tile, line, (2, row), cv2.FONT_HERSHEY_SIMPLEX, 0.42, 255, 1, cv2.LINE_AA)
        tiles.append(tile)
    if not tiles:
        return None
    tiles += [np.zeros_like(tiles[0])] * (-len(tiles) % SHEET_COLUMNS)
    starts = range(0, len(tiles), SHEET_COLUMNS)
    return np.vstack([np.hstack(tiles[at : at + SHEET_COLUMNS]) for at in starts])


def accepted_share(
    crops: list[Crop], readings: list[PlateReading | None], wrong: float
) -> tuple[float, float]:
    """Largest share accepted with at most `wrong` of these wrong, and the confidence it takes."""
    pairs = sorted(
        (
            (
                reading.confidence if reading else 0.0,
                fold(reading.text if reading else "-"),
                fold(crop.text),
            )
            for crop, reading in zip(crops, readings, strict=True)
        ),
        reverse=True,
    )
    best, errors = (0.0, 1.0), 0
    for count, (confidence, text, truth) in enumerate(pairs, 1):
        errors += text != truth
        if errors <= wrong * count:
            best = (count / len(pairs), confidence)
    return best


def milliseconds(reader: TfliteReader, crops: list[Crop]) -> float:
    """Median CPU time of one reading."""
    times = []
    for crop in crops:
        start = time.process_time()
        read(reader, crop)
        times.append(time.process_time() - start)
    return float(np.median(times)) * 1e3


def main() -> None:
    """Command line: table to the terminal, sheets and figures to a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", type=Path, default=None, help="folder with MANIFEST.toml")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    reader = TfliteReader(options.models)
    crops = load_crops(options.data, "val")
    rows: dict[str, dict[str, float]] = {}
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in CONDITIONS:
        readings = measure(reader, crops, name)
        rows[name] = by_group(texts(readings), [crop.text for crop in crops], groups_of(crops))
        if name == "as photographed":
            sheet = error_sheet(crops, readings)
            if sheet is not None:
                cv2.imwrite(str(options.folder / "errors.png"), sheet)
            for wrong in (0.0, 0.005, 0.01):
                share, least = accepted_share(crops, readings, wrong)
                print(f"{share:.1%} accepted at {least:.3f} with at most {wrong:.1%} wrong")
    (options.folder / "scores.json").write_text(json.dumps(rows, indent=1))
    print(table(rows))
    print(f"{milliseconds(reader, crops):.1f} ms of CPU a plate (median)")


if __name__ == "__main__":
    main()
