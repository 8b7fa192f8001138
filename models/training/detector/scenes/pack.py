# SPDX-License-Identifier: Apache-2.0
"""Writes what scenes are composed from into one small file that can travel to another machine.

python -m detector.scenes.pack --work WORK --to WORK/scenes.npz

The file holds the prepared photographs, drawn plates and distractors of WORK as WebP, and what is
known about the labelled plates. `Stock` reads it; nothing in it needs OpenCV.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE, QUALITY = 400, 34  # longest side of a photograph in pixels, WebP quality
DRAWN_HEIGHT, DRAWN_QUALITY = 48, 50
OFTEN = {"college-in": 3.0, "kaggle-cars433": 1.5, "robertlucian-ro": 0.6}  # sets drawn more often


def encoded(image: NDArray[np.uint8], scale: float, quality: int) -> bytes:
    """A BGR picture, made smaller by `scale`, as WebP."""
    picture = Image.fromarray(np.ascontiguousarray(image[..., ::-1]))
    if scale < 1:
        size = [max(8, round(side * scale)) for side in picture.size]
        picture = picture.resize((size[0], size[1]), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=quality, method=6)
    return buffer.getvalue()


def plates_of(work: Path) -> dict[str, NDArray[Any]]:
    """All labelled plates in pixels of the packed photographs: owner, box, corners, light, rate."""
    from detector.photographs import load

    sets = np.load(work / "train.npz")["sets"]
    rows: dict[str, list[Any]] = {key: [] for key in ("owner", "box", "quad", "exact", "light")}
    for index, photograph in enumerate(load(work)):
        scale = min(1.0, SIDE / max(photograph.image.shape[:2]))
        for plate in photograph.plates:
            rows["owner"].append(index)
            rows["box"].append(plate.box * scale)
            rows["quad"].append(plate.quad * scale)
            rows["exact"].append(plate.exact)
            rows["light"].append([plate.dark, plate.bright])
    plates: dict[str, NDArray[Any]] = {
        "owner": np.array(rows["owner"], np.int64),
        "box": np.array(rows["box"], np.float32),
        "quad": np.array(rows["quad"], np.float32),
        "exact": np.array(rows["exact"], bool),
        "light": np.array(rows["light"], np.float32),
        "rate": np.array([OFTEN.get(str(name), 1.0) for name in sets], np.float32),
    }
    return plates


def photographs_of(work: Path) -> list[bytes]:
    """The prepared photographs as WebP, in their order."""
    index = np.load(work / "train.npz")
    pixels = np.memmap(work / "train.pixels", np.uint8, "r")
    codes = []
    for (height, width), start in zip(index["shapes"], index["offsets"], strict=False):
        image = pixels[start : start + height * width * 3].reshape(height, width, 3)
        codes.append(encoded(image, SIDE / max(height, width), QUALITY))
    return codes


def drawn_of(path: Path, most: int) -> list[bytes]:
    """Up to `most` pictures of a stock made by `detector.bank`, as WebP."""
    from detector import bank

    chosen = bank.load(path)[:most]
    return [encoded(one, DRAWN_HEIGHT / one.shape[0], DRAWN_QUALITY) for one in chosen]


def main() -> None:
    """Command line: what WORK holds in, one file out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="folder with what was prepared")
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--plates", type=int, default=1600)
    parser.add_argument("--distractors", type=int, default=700)
    arguments = parser.parse_args()
    content = plates_of(arguments.work)
    groups = {
        "photographs": photographs_of(arguments.work),
        "drawn": drawn_of(arguments.work / "plates.npz", arguments.plates),
        "others": drawn_of(arguments.work / "distractors.npz", arguments.distractors),
    }
    for name, codes in groups.items():
        content[f"{name}_lengths"] = np.array([len(code) for code in codes])
        content[f"{name}_codes"] = np.frombuffer(b"".join(codes), np.uint8)
        print(f"{name}: {len(codes)} pictures, {sum(map(len, codes)) / 2**20:.1f} MiB", flush=True)
    np.savez(arguments.to, **content)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
