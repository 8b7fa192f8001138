# SPDX-License-Identifier: Apache-2.0
"""Measure the shipped detector on the validation photographs; prints tables in Markdown.

python -m detector.evaluate --data DATA --models .. --pictures OUT
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch

from plategate.vision.interpreter import open_model
from plategate.vision.localize.detector import Detector
from plategate.vision.localize.refiner import COLUMNS, ROWS, Refiner
from plategate.vision.localize.tflite import Search, TfliteLocalizer
from plategate.vision.models import find_model
from pruning import shaped_for
from refiner.network import RefinerNetwork

from . import contact_sheets, corner_error
from .conditions import CONDITIONS
from .network import HEIGHT, WIDTH, PlateNetwork, multiply_adds
from .scoring import Plate, ScoredPicture, score_all

SHIPPED = Path(__file__).resolve().parents[1] / "weights/detector_pruned.pt"
WIDTHS = ((0, 40), (40, 60), (60, 90), (90, 120), (120, 200), (200, 1280))  # of 1280 pixels


def row(title: str, chosen: list[ScoredPicture], plates: list[Plate] | None = None) -> str:
    """Recall, whole registrations among the finds, and other regions a picture."""
    plates = [p for one in chosen for p in one.plates] if plates is None else plates
    if not plates:
        return f"| {title} | 0 | | | |"
    found = [p for p in plates if p.overlap >= 0.5]
    whole = sum(p.whole for p in found) / max(1, len(found))
    others = f"{sum(len(one.others) for one in chosen) / len(chosen):.2f}" if chosen else "-"
    recall = len(found) / len(plates)
    return f"| {title} | {len(plates)} | {100 * recall:.1f} % | {100 * whole:.1f} % | {others} |"


def tables(measured: list[ScoredPicture]) -> list[str]:
    head = ["", "| part | plates | recall | whole | others a picture |", "|---|---|---|---|---|"]
    lines = ["", "By condition", *head]
    lines += [row(c, [one for one in measured if one.condition == c]) for c in CONDITIONS]
    at_day = [one for one in measured if one.condition == "day"]
    lines += ["", "By set, by day", *head]
    for name in sorted({one.set_name for one in at_day}):
        lines.append(row(name, [one for one in at_day if one.set_name == name]))
    for condition in ("day", "night", "far"):
        chosen = [one for one in measured if one.condition == condition]
        lines += ["", f"By plate width in a picture of 1280 pixels, {condition}", *head[:3]]
        for low, high in WIDTHS:
            plates = [p for one in chosen for p in one.plates if low <= 1280 * p.share < high]
            lines.append(row(f"{low} to {high} px", [], plates))
        large = [
            p
            for one in chosen
            if one.set_name == "openlpr-faisal"
            for p in one.plates
            if 1280 * p.share >= 60
        ]
        lines.append(row("openlpr-faisal from 60 px", [], large))
    return lines


def speed(measured: list[ScoredPicture]) -> list[str]:
    at_day = [one for one in measured if one.condition == "day"]
    spent = np.array([one.milliseconds for one in at_day])
    often = np.mean([one.passes for one in at_day])
    share = np.mean([one.pixels for one in at_day]) / (WIDTH * HEIGHT)
    near = np.mean([one.close_ups for one in at_day])
    shipped = torch.load(SHIPPED, map_location="cpu", weights_only=True)["average"]
    once = multiply_adds(shaped_for(PlateNetwork(), shipped).eval(), WIDTH, HEIGHT) / 1e9
    place = multiply_adds(RefinerNetwork().eval(), COLUMNS, ROWS) / 1e9
    return [
        "",
        f"A pass on the largest canvas: {once:.3f} G multiply-adds, {place:.3f} G for a close-up. "
        f"A picture: {often:.2f} passes, of {share / often:.2f} of that canvas, {near:.2f} "
        f"close-ups, that is {once * share + place * near:.3f} G. CPU time a picture, one thread: "
        f"median {np.median(spent):.1f} ms, mean {spent.mean():.1f} ms, 95 % under "
        f"{np.percentile(spent, 95):.1f} ms.",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", type=Path, help="folder with MANIFEST.toml")
    parser.add_argument("--file", type=Path, help="measure this detector, not the shipped one")
    parser.add_argument("--refiner", type=Path, help="and this refiner")
    parser.add_argument("--work", type=Path, help="prepared data, for the corner error")
    parser.add_argument("--pictures", type=Path, help="folder for curve and contact sheets")
    parser.add_argument("--accept", type=float, default=Search().accept)
    parser.add_argument("--conditions", nargs="*", default=list(CONDITIONS))
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    path = arguments.file or find_model("plate_detector", arguments.models).path
    near = arguments.refiner or find_model("plate_refiner", arguments.models).path
    refiner = Refiner(open_model(near, None))
    localizer = TfliteLocalizer(Detector.from_file(path), refiner, Search(accept=arguments.accept))
    measured = list(score_all(arguments.data, localizer, arguments.conditions))
    print("\n".join(tables(measured) + speed(measured)))
    if arguments.work:
        print(corner_error.report(arguments.work, localizer))
    if arguments.pictures:
        arguments.pictures.mkdir(parents=True, exist_ok=True)
        contact_sheets.write(arguments.data, measured, arguments.pictures)


if __name__ == "__main__":
    main()
