# SPDX-License-Identifier: Apache-2.0
"""Compares language data on the labelled crops of a split, cut by the firmware's rectifier."""

from __future__ import annotations

import argparse
import os
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import cv2

from calibration.contact_sheet import Shown, contact_sheet
from plategate.plates.text import fold
from plategate.vision.read.tesseract import TesseractReader
from plategate.vision.read.tesseract_engines import STOCK, LanguageData

from .lines import LabelledPlate, corners_of, cut, real_plates


@dataclass
class Score:
    """Right readings of one model by set; two-line plates are a set of their own."""

    seen: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    right: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    wrong: list[tuple[LabelledPlate, str, float]] = field(default_factory=list)
    seconds: float = 0.0


def cpu_seconds() -> float:
    """CPU time of this process and its child processes."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def score(reader: TesseractReader, plates: list[LabelledPlate]) -> Score:
    """Read every plate at its labelled box; right means the whole text, with O=0 and I=1."""
    result = Score()
    for plate in plates:
        image = cut(plate, corners_of(plate.box))
        start = cpu_seconds()
        reading = reader.read(image)
        result.seconds += cpu_seconds() - start
        text = reading.text if reading else ""
        name = "two lines" if plate.two_line else plate.source
        for group in (name, "all"):
            result.seen[group] += 1
            result.right[group] += fold(text) == fold(plate.text)
        if fold(text) != fold(plate.text):
            result.wrong.append((plate, text, reading.confidence if reading else 0.0))
    return result


def row(name: str, result: Score) -> str:
    """One line of the table."""
    shares = "  ".join(
        f"{group} {100 * result.right[group] / count:.1f} % of {count}"
        for group, count in result.seen.items()
    )
    cost = 1000 * result.seconds / result.seen["all"]
    return f"{name}: {shares}  {cost:.1f} ms of processor a plate"


def draw_sheet(result: Score, path: Path, only: str | None) -> None:
    """The misread lines as the reader got them, with truth, reading and confidence."""
    shown = [
        Shown(cut(plate, corners_of(plate.box)).grey, plate.text, text, confidence)
        for plate, text, confidence in result.wrong
        if only in (None, plate.source)
    ]
    cv2.imwrite(str(path), contact_sheet(shown))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--split", default="val")
    parser.add_argument("--stock", type=Path, help="folder with eng.traineddata")
    parser.add_argument("--wrong", action="store_true", help="list what was read wrong")
    parser.add_argument("--sheet", type=Path, help="contact sheet of what was read wrong")
    parser.add_argument("--sheet-set", help="only plates of this set on the sheet")
    parser.add_argument("--engine", choices=("auto", "tesserocr", "pytesseract"), default="auto")
    parser.add_argument("--first", type=int, help="only the first plates, for slow engines")
    parser.add_argument("models", nargs="*", type=Path, help="plates.traineddata files")
    wanted = parser.parse_args()
    cv2.setNumThreads(1)
    plates = real_plates(wanted.data, wanted.split)[: wanted.first]
    trials = {str(path): LanguageData(path.parent, path.stem) for path in wanted.models}
    if wanted.stock:
        trials[f"stock {STOCK}"] = LanguageData(wanted.stock, STOCK)
    for name, data in trials.items():
        result = score(TesseractReader(data=data, engine=wanted.engine), plates)
        print(row(name, result), flush=True)
        if wanted.sheet:
            draw_sheet(result, wanted.sheet, wanted.sheet_set)
        if wanted.wrong:
            for plate, text, confidence in result.wrong:
                print(f"  {plate.name} {plate.text} read {text or '-'} at {confidence:.2f}")


if __name__ == "__main__":
    main()
