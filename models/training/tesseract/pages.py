# SPDX-License-Identifier: Apache-2.0
"""Writes pages of plate lines with WordStr boxes, and turns them into .lstmf training files."""

from __future__ import annotations

import argparse
import os
import subprocess
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from plategate.vision.read.tesseract import TesseractReader
from plategate.vision.read.tesseract_engines import PLATES, LanguageData

from .lines import Line, training_lines

LINES_A_PAGE = 40
LEFT, GAP = 24, 24
# Tesseract cuts a training line this much wider than its box (kImagePadding); boxes are drawn
# smaller by it, so that the network sees exactly the 36 px that it sees when it reads.
PADDING = 4


def write_page(lines: list[Line], base: Path) -> None:
    """Write `base`.tif with the lines one below the other, and `base`.box with their texts."""
    height = sum(line.image.shape[0] + GAP for line in lines) + GAP
    width = max(line.image.shape[1] for line in lines) + 2 * LEFT
    page = np.full((height, width), 255, np.uint8)
    boxes, top = [], GAP
    for line in lines:
        tall, wide = line.image.shape
        page[top : top + tall, LEFT : LEFT + wide] = line.image
        left, right = LEFT + PADDING, LEFT + wide - PADDING
        low, high = height - (top + tall - PADDING), height - (top + PADDING)
        boxes.append(f"WordStr {left} {low} {right} {high} 0 #{line.text}")
        boxes.append(f"\t {right + 1} {low} {right + 5} {high} 0")
        top += tall + GAP
    Image.fromarray(page).save(base.with_suffix(".tif"))
    base.with_suffix(".box").write_text("\n".join(boxes) + "\n", encoding="utf-8")


def make_lstmf(base: Path) -> None:
    """Convert the page with Tesseract; keep only the .lstmf file."""
    command = ["tesseract", str(base.with_suffix(".tif")), str(base), "--psm", "6", "lstm.train"]
    environment = {**os.environ, "OMP_THREAD_LIMIT": "1"}
    subprocess.run(command, check=True, capture_output=True, env=environment)
    base.with_suffix(".tif").unlink()
    base.with_suffix(".box").unlink()


def write_pages(lines: Iterator[Line], out: Path, count: int, name: str) -> None:
    """Write `count` training files to `out`."""
    out.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        base = out / f"{name}-{number:05d}"
        write_page(list(islice(lines, LINES_A_PAGE)), base)
        make_lstmf(base)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--rendered", type=Path, required=True, help="shards of synthesis.cache")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pages", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--real", type=float, default=0.55, help="share of real crops")
    parser.add_argument("--faults", type=float, default=0.4, help="how much is added, 0 to 1")
    parser.add_argument("--splitter", type=Path, help="folder with an early plates.traineddata")
    parser.add_argument("--edges", type=Path, help="borders of characters, from reader.align")
    wanted = parser.parse_args()
    cv2.setNumThreads(1)
    rng = np.random.default_rng(wanted.seed)
    splitter = wanted.splitter and TesseractReader(data=LanguageData(wanted.splitter, PLATES))
    lines = training_lines(
        wanted.data, wanted.rendered, rng, wanted.real, wanted.faults, splitter, wanted.edges
    )
    write_pages(lines, wanted.out, wanted.pages, f"seed{wanted.seed}")


if __name__ == "__main__":
    main()
