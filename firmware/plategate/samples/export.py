# SPDX-License-Identifier: Apache-2.0
"""Write samples as a labelled folder: pictures and plates.csv, as `scripts/benchmark` reads them.

A plate without a corrected text has none in plates.csv: it counts as found or missed, not as read.
"""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterable
from pathlib import Path

from plategate.durable_files import replace_file
from plategate.errors import StoreError, reason_of
from plategate.output_files import new_folder
from plategate.samples.store import Sample, SampleStore

TABLE = "plates.csv"
COLUMNS = ("split", "set", "image", "width", "height", "x0", "y0", "x1", "y1", "text", "two_line")
SPLIT, SET = "val", "own"


def export(store: SampleStore, samples: Iterable[Sample], folder: Path) -> int:
    """Write a labelled folder; returns the number of samples.

    Raises StoreError if the folder holds anything already, or cannot be written.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    count = 0
    try:
        with new_folder(folder):
            for sample in samples:
                picture = store.picture(sample.id)
                shutil.copyfile(picture, folder / picture.name)
                writer.writerow(_row(sample, picture.name))
                count += 1
            replace_file(folder / TABLE, text.getvalue().encode())
    except OSError as error:
        raise StoreError(
            f"{error.filename or folder} cannot be copied to {folder}: {reason_of(error)}"
        ) from error
    return count


def _row(sample: Sample, image: str) -> dict[str, object]:
    x0, y0, x1, y1 = (round(side, 1) for side in sample.box)
    return {
        "split": SPLIT,
        "set": SET,
        "image": image,
        "width": sample.width_px,
        "height": sample.height_px,
        "x0": x0,
        "y0": y0,
        "x1": x1,
        "y1": y1,
        "text": sample.text,
        "two_line": 0,
    }
