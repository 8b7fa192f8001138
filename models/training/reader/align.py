# SPDX-License-Identifier: Apache-2.0
"""Finds where each character stands on real crops, with a network that can already read them.

Training then rearranges the characters of a plate: the same paint, light and camera with a new
text, so that the network learns shapes and not the few hundred cars of the data.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path

import numpy as np
import torch

from plategate.plates.text import fold

from .export import load_average
from .samples import Crop, fit, load_crops, normalise, plain_cut
from .shape import ALPHABET, BLANK, COLUMNS

MARGIN_X, MARGIN_Y = 0.05, 0.08


def peaks(scores: torch.Tensor, text: str) -> list[tuple[int, float]] | None:
    """Line and column (0..1) of every character, if the greedy reading is the text."""
    path = scores.argmax(-1).tolist()
    runs: list[tuple[int, list[int]]] = []
    last = BLANK
    for step, number in enumerate(path):
        if number == BLANK:
            last = BLANK
        elif number == last and step != COLUMNS:
            runs[-1][1].append(step)
        else:
            runs.append((number, [step]))
            last = number
    read = "".join(ALPHABET[number - 1] for number, _ in runs)
    if fold(read) != fold(text):
        return None
    places = [float(np.mean(steps)) for _, steps in runs]
    return [(int(at >= COLUMNS), (at % COLUMNS + 0.5) / COLUMNS) for at in places]


def edges(crop: Crop, shares: list[float], line: int) -> np.ndarray:
    """Where one character of a line ends and the next begins, in pixels of the crop.

    The border between two characters is the column between their peaks that changes least.
    """
    x0, y0, x1, y1 = (float(value) for value in crop.box)
    left = max(0.0, x0 - (x1 - x0) * MARGIN_X)
    right = min(float(crop.image.shape[1]), x1 + (x1 - x0) * MARGIN_X)
    middles = [left + share * (right - left) for share in shares]
    if crop.two_line:
        y0, y1 = ((y0, (y0 + y1) / 2), ((y0 + y1) / 2, y1))[line]
    band = crop.image[int(y0 + 0.25 * (y1 - y0)) : int(y1 - 0.25 * (y1 - y0))]
    calm = band.astype(np.float32).std(axis=0)
    borders = []
    for one, two in itertools.pairwise(middles):
        start, end = int(one), max(int(one) + 1, int(two) + 1)
        borders.append(start + int(np.argmin(calm[start:end])))
    if not borders:
        return np.array([left, right], np.int32)
    head, tail = borders[0] - middles[0], middles[-1] - borders[-1]
    first = _calmest(calm, middles[0] - 1.7 * head, middles[0] - 0.85 * head)
    last = _calmest(calm, middles[-1] + 0.85 * tail, middles[-1] + 1.7 * tail)
    return np.array([first, *borders, last], np.int32)


def _calmest(calm: np.ndarray, start: float, end: float) -> int:
    first = min(max(0, int(start)), len(calm) - 1)
    return first + int(np.argmin(calm[first : max(first + 1, int(end))]))


@torch.no_grad()
def find_edges(checkpoint: Path, data: Path) -> dict[str, np.ndarray]:
    """Borders of characters by number of the crop in the train split and number of the line."""
    network = load_average(checkpoint)
    crops = load_crops(data, "train")
    out: dict[str, np.ndarray] = {}
    for start in range(0, len(crops), 64):
        part = crops[start : start + 64]
        cuts = [normalise(fit(plain_cut(crop, MARGIN_X, MARGIN_Y)))[None] for crop in part]
        for at, scores in enumerate(network(torch.from_numpy(np.stack(cuts)))):
            found = peaks(scores, part[at].text)
            lines = sorted({line for line, _ in found or []})
            if found is None or len(lines) != 1 + part[at].two_line:
                continue
            for place, line in enumerate(lines):
                shares = [share for of, share in found if of == line]
                out[f"{start + at}.{place}"] = edges(part[at], shares, place)
    return out


def main() -> None:
    """Command line: checkpoint and data in, one .npz of borders out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    options = parser.parse_args()
    torch.set_num_threads(1)
    found = find_edges(options.checkpoint, options.data)
    np.savez(options.target, **found)  # type: ignore[arg-type]
    print(f"{len(found)} lines with known places of characters")


if __name__ == "__main__":
    main()
