# SPDX-License-Identifier: Apache-2.0
"""Packs what a training of the small reader needs into one file of about 11 MB.

The file holds the training crops with their corners and borders of characters, patches without a
plate, backgrounds and fonts to draw plates with, and the validation crops as the network sees them.
A machine with a graphics card needs this file and the code, and no data folder.
"""

from __future__ import annotations

import argparse
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from synthesis.cache import load_backgrounds
from synthesis.fonts import cache_folder, fonts_by_class
from synthesis.plates import Picture

from .quads import with_quads
from .samples import Crop, load_empty, plain_cut, rows
from .samples import load_crops as load_grey
from .transplant import with_edges

PLATE_HEIGHT, TWO_LINE_HEIGHT = 64, 96
MARGIN_X, MARGIN_Y = 0.2, 0.25
LEAST_CHARACTER = 2  # px; borders of narrower characters are not kept
QUALITY = 82
EMPTY_PATCHES, EMPTY_HEIGHT = 1200, 48
BACKGROUNDS, BACKGROUND_WIDTH = 250, 240
ASCII = range(32, 127)
# What the first cut of the shipped reader takes off each side of the rectifier's picture.
OFF_X, OFF_Y = 0.03, 0.06

Packed = dict[str, Any]


def _encode(image: Picture, quality: int = QUALITY) -> bytes:
    done, packed = cv2.imencode(".webp", image, [cv2.IMWRITE_WEBP_QUALITY, quality])
    if not done:
        raise SystemExit("OpenCV was built without WebP")
    return packed.tobytes()


def _strings(items: list[bytes]) -> tuple[np.ndarray, np.ndarray]:
    """Byte strings in a row, and where each ends."""
    return (
        np.frombuffer(b"".join(items), np.uint8),
        np.cumsum([len(item) for item in items]),
    )


def _pieces(packed: Packed, name: str) -> list[np.ndarray]:
    return np.split(packed[name], packed[f"{name}_ends"][:-1])


def trimmed(crop: Crop, colour: Picture) -> tuple[Picture, Crop]:
    """The colour crop with less margin and no larger than needed, and where things are in it."""
    x0, y0, x1, y1 = (float(side) for side in crop.box)
    left = max(0, int(x0 - MARGIN_X * (x1 - x0)))
    top = max(0, int(y0 - MARGIN_Y * (y1 - y0)))
    part = colour[top : int(y1 + MARGIN_Y * (y1 - y0)), left : int(x1 + MARGIN_X * (x1 - x0))]
    scale = min(1.0, (TWO_LINE_HEIGHT if crop.two_line else PLATE_HEIGHT) / (y1 - y0))
    size = (max(8, round(part.shape[1] * scale)), max(8, round(part.shape[0] * scale)))
    small = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA), np.uint8)
    moved = np.array([left, top], np.float32)
    edges = tuple(
        np.rint((line - left) * scale).clip(0, size[0]).astype(np.int32) for line in crop.edges
    )
    if any(np.diff(line).min() < LEAST_CHARACTER for line in edges):
        edges = ()
    quad = None if crop.quad is None else (crop.quad - moved) * scale
    box = (crop.box - np.tile(moved, 2)) * scale
    return small, replace(crop, box=box.astype(np.float32), edges=edges, quad=quad)


def _pack_crops(data: Path, edges: Path, quads: Path) -> Packed:
    crops = with_quads(with_edges(load_grey(data, "train"), edges), quads)
    pictures, kept = [], []
    readable = [row for row in rows(data, "train") if row["text"]]
    for row, crop in zip(readable, crops, strict=True):
        small, moved = trimmed(crop, np.asarray(cv2.imread(str(data / row["crop"])), np.uint8))
        pictures.append(_encode(small))
        kept.append(moved)
    pixels, ends = _strings(pictures)
    unknown = np.full((4, 2), np.nan, np.float32)
    borders = [line for crop in kept for line in crop.edges]
    return {
        "crops": pixels,
        "crops_ends": ends,
        "boxes": np.array([crop.box for crop in kept], np.float32),
        "quads": np.array([unknown if crop.quad is None else crop.quad for crop in kept]),
        "texts": np.array([crop.text for crop in kept]),
        "two_line": np.array([crop.two_line for crop in kept]),
        "sources": np.array([crop.source for crop in kept]),
        "lines": np.array([len(crop.edges) for crop in kept]),
        "borders": np.concatenate(borders),
        "borders_ends": np.cumsum([len(line) for line in borders]),
    }


def _pack_pictures(name: str, pictures: list[Picture], side: int, axis: int) -> Packed:
    """Pictures no larger than `side` along an axis."""
    small = []
    for picture in pictures:
        scale = min(1.0, side / picture.shape[axis])
        size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
        shrunk = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        small.append(_encode(np.asarray(shrunk, np.uint8), 70))
    pixels, ends = _strings(small)
    return {name: pixels, f"{name}_ends": ends}


def _pack_fonts() -> Packed:
    """The fonts of the synthesis with letters, digits and signs of ASCII alone."""
    from fontTools import subset

    paths = sorted({path for paths in fonts_by_class().values() for path in paths})
    contents = []
    for path in paths:
        options = subset.Options(layout_features=["kern"], notdef_outline=True)
        font = subset.load_font(str(path), options)
        cutter = subset.Subsetter(options)
        cutter.populate(unicodes=ASCII)
        cutter.subset(font)
        file = io.BytesIO()
        font.save(file)
        contents.append(file.getvalue())
    content, ends = _strings(contents)
    return {"fonts": content, "fonts_ends": ends, "font_names": np.array([p.name for p in paths])}


def validation_pictures(data: Path, width: int, height: int) -> tuple[np.ndarray, list[str]]:
    """The validation crops at the network's size, cut as the firmware does first, and texts."""
    pictures, texts = [], []
    for crop in load_grey(data, "val"):
        grey = plain_cut(crop)
        off_x, off_y = int(grey.shape[1] * OFF_X), int(grey.shape[0] * OFF_Y)
        grey = grey[off_y : grey.shape[0] - off_y, off_x : grey.shape[1] - off_x]
        shrinks = grey.shape[0] > height or grey.shape[1] > width
        way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        pictures.append(cv2.resize(grey, (width, height), interpolation=way))
        texts.append(crop.text)
    return np.array(pictures, np.uint8), texts


def load(path: Path) -> Packed:
    """A packed file in memory."""
    with np.load(path) as packed:
        return {name: packed[name] for name in packed.files}


def crops_of(packed: Packed, mixes: int) -> list[Crop]:
    """The training crops as `samples.load_crops` gives them, with corners and borders."""
    rng = np.random.default_rng(7)
    borders = iter(_pieces(packed, "borders"))
    crops = []
    for at, content in enumerate(_pieces(packed, "crops")):
        colour = cv2.imdecode(content, cv2.IMREAD_COLOR)
        edges = tuple(next(borders) for _ in range(packed["lines"][at]))
        quad = packed["quads"][at]
        for number in range(mixes):
            weights = np.array([0.114, 0.587, 0.299]) if number == 0 else rng.dirichlet([1.2] * 3)
            grey = cv2.transform(colour, weights[None].astype(np.float32))
            crops.append(
                Crop(
                    np.asarray(grey, np.uint8).reshape(colour.shape[:2]),
                    packed["boxes"][at],
                    str(packed["texts"][at]),
                    bool(packed["two_line"][at]),
                    str(packed["sources"][at]),
                    edges,
                    quad if np.isfinite(quad).all() else None,
                )
            )
    return crops


def pictures_of(packed: Packed, name: str) -> list[Picture]:
    """`empty` patches (grey) or `backgrounds` (colour)."""
    flag = cv2.IMREAD_GRAYSCALE if name == "empty" else cv2.IMREAD_COLOR
    return [np.asarray(cv2.imdecode(one, flag), np.uint8) for one in _pieces(packed, name)]


def unpack_fonts(packed: Packed, folder: Path) -> None:
    """Write the fonts where `synthesis.fonts` finds them once PLATEGATE_FONTS names the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in zip(packed["font_names"], _pieces(packed, "fonts"), strict=True):
        (folder / str(name)).write_bytes(content.tobytes())


def main() -> None:
    """Command line: a data folder in, one file out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--edges", type=Path, required=True, help="from reader.align")
    parser.add_argument("--quads", type=Path, required=True, help="from reader.found")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    cache_folder().mkdir(parents=True, exist_ok=True)
    pictures, texts = validation_pictures(options.data, 160, 32)
    packed = _pack_crops(options.data, options.edges, options.quads)
    empty = load_empty(options.data, EMPTY_PATCHES)
    packed |= _pack_pictures("empty", empty, EMPTY_HEIGHT, 0)
    grounds = load_backgrounds(options.data, BACKGROUNDS)[:BACKGROUNDS]
    packed |= _pack_pictures("backgrounds", grounds, BACKGROUND_WIDTH, 1)
    packed |= _pack_fonts()
    packed |= {"validation": pictures, "validation_texts": np.array(texts)}
    np.savez_compressed(options.target, **packed)
    sizes = {name: packed[name].nbytes for name in ("crops", "empty", "backgrounds", "fonts")}
    print(f"{options.target}: {options.target.stat().st_size} bytes, of these {sizes}")


if __name__ == "__main__":
    main()
