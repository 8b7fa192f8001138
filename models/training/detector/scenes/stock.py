# SPDX-License-Identifier: Apache-2.0
"""The pack in the memory of a graphics card: every picture at several sizes, and the plates.

All pictures lie one after the other in one array of 8-bit BGR pixels. A picture is a *texture*, and
has LEVELS copies, each half as large as the one before, so that a scene that shows it small skips
no pixels. Textures are, in this order: photographs, the same without their plates, drawn plates,
distractors, plain colours.
"""

from __future__ import annotations

import io
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

LEVELS = 5
PLAIN = 64  # textures of one colour
MOST_PLATES = 4  # of one photograph that are known
GROWN = (0.06, 0.12)  # share of a plate by which its place is painted over beyond the box
Pixels = NDArray[np.uint8]


@dataclass
class Plates:
    """Labelled plates, N of them; corners and boxes in pixels of their photograph."""

    owner: Tensor  # N, texture of the photograph
    box: Tensor  # N x 4: x0 y0 x1 y1
    quad: Tensor  # N x 4 x 2, clockwise from the plate's top left
    exact: Tensor  # N, whether the corners are known well
    light: Tensor  # N x 2 x 3, BGR of the darkest and the brightest tenth
    rate: Tensor  # N, how often it is drawn
    of_photograph: Tensor  # photographs x MOST_PLATES, numbers of plates, -1 for none


class Stock:
    """Textures and plates on one device."""

    def __init__(self, path: Path, device: torch.device, workers: int = 1) -> None:
        pack = np.load(path)
        groups = {name: _codes(pack, name) for name in ("photographs", "drawn", "others")}
        boxes: list[list[NDArray[np.float32]]] = [[] for _ in groups["photographs"]]
        for owner, box in zip(pack["owner"], pack["box"], strict=True):
            boxes[owner].append(box)
        with ProcessPoolExecutor(workers) as pool:
            decoded = {name: list(pool.map(_decode, c, chunksize=32)) for name, c in groups.items()}
            erased = list(pool.map(erase, decoded["photographs"], boxes, chunksize=32))
        self.precise = torch.float16 if device.type == "cuda" else torch.float32
        rng = np.random.default_rng(1)
        plain = [np.full((8, 8, 3), rng.integers(0, 256, 3), np.uint8) for _ in range(PLAIN)]
        textures = [*decoded["photographs"], *erased, *decoded["drawn"], *decoded["others"], *plain]
        counts = [len(decoded["photographs"]), len(erased), len(decoded["drawn"])]
        self.photographs = counts[0]
        self.first_drawn, self.drawn = sum(counts[:2]), counts[2]
        self.first_other, self.others = sum(counts), len(decoded["others"])
        self.first_plain = self.first_other + self.others
        self._upload(textures, device)
        self.plates = _plates(pack, self.photographs, device)

    def _upload(self, textures: list[Pixels], device: torch.device) -> None:
        """Put all textures and their smaller copies into one array."""
        shapes = np.array([one.shape[:2] for one in textures])
        levels = [np.maximum(1, shapes >> level) for level in range(LEVELS)]
        self.sizes = torch.tensor(np.stack(levels, 1), device=device, dtype=torch.int32)
        areas = np.stack([level.prod(1) for level in levels], 1)
        starts = np.concatenate([[0], areas.ravel().cumsum()])
        self.starts = torch.tensor(starts[:-1].reshape(areas.shape), device=device).int()
        self.pixels = torch.empty((int(starts[-1]), 3), dtype=torch.uint8, device=device)
        for number, texture in enumerate(textures):
            image = torch.from_numpy(texture).to(device)
            for level in range(LEVELS):
                height, width = (int(side) for side in levels[level][number])
                if level:
                    image = _halved(image, height, width)
                begin = int(starts[number * LEVELS + level])
                self.pixels[begin : begin + height * width] = image.reshape(-1, 3)

    def sample(self, texture: Tensor, x: Tensor, y: Tensor, level: Tensor) -> Tensor:
        """Colours (N x 3, 0 to 255) of textures at points in pixels of their largest copy."""
        place = texture * LEVELS + level
        height, width = self.sizes.view(-1, 2)[place].unbind(1)
        start = self.starts.view(-1)[place]
        shrink = torch.exp2(-level.float())
        x = torch.minimum((x * shrink - 0.5).clamp(min=0), (width - 1).float())
        y = torch.minimum((y * shrink - 0.5).clamp(min=0), (height - 1).float())
        left, top = x.int(), y.int()
        right, bottom = torch.minimum(left + 1, width - 1), torch.minimum(top + 1, height - 1)
        across, down = (
            (at - whole).to(self.precise).unsqueeze(1) for at, whole in ((x, left), (y, top))
        )
        upper, lower = start + top * width, start + bottom * width
        above = torch.lerp(self._at(upper + left), self._at(upper + right), across)
        below = torch.lerp(self._at(lower + left), self._at(lower + right), across)
        return torch.lerp(above, below, down).float()

    def _at(self, place: Tensor) -> Tensor:
        return self.pixels[place].to(self.precise)


def _codes(pack: np.lib.npyio.NpzFile, name: str) -> list[bytes]:
    ends = pack[f"{name}_lengths"].cumsum()
    content = pack[f"{name}_codes"].tobytes()
    return [content[a:b] for a, b in zip([0, *ends[:-1]], ends, strict=True)]


def _decode(code: bytes) -> Pixels:
    picture = np.asarray(Image.open(io.BytesIO(code)).convert("RGB"), np.uint8)
    return np.ascontiguousarray(picture[..., ::-1])


def _halved(image: Tensor, height: int, width: int) -> Tensor:
    """Means of 2 x 2 pixels; a last odd row or column is left out."""
    rows, columns = min(2 * height, image.shape[0]), min(2 * width, image.shape[1])
    part = image[:rows, :columns].permute(2, 0, 1)[None].float()
    small = torch.nn.functional.adaptive_avg_pool2d(part, (height, width))
    return small[0].permute(1, 2, 0).round().to(torch.uint8)


def erase(image: Pixels, boxes: list[NDArray[np.float32]]) -> Pixels:
    """The picture with the places of its plates painted over from their four sides."""
    image = image.copy()
    height, width = image.shape[:2]
    for box in boxes:
        grow = 2 + np.array(GROWN) * (box[2:] - box[:2])
        x0, y0 = np.maximum(box[:2] - grow, 0).astype(int)
        x1, y1 = np.minimum(box[2:] + grow, [width, height]).astype(int)
        if x1 <= x0 or y1 <= y0:
            continue
        rows, columns = slice(y0, y1), slice(x0, x1)
        right = np.linspace(0, 1, x1 - x0, dtype=np.float32)[None, :, None]
        down = np.linspace(0, 1, y1 - y0, dtype=np.float32)[:, None, None]
        side_left = image[rows, max(0, x0 - 3) : x0 + 1].mean(1, keepdims=True)
        side_right = image[rows, x1 - 1 : x1 + 3].mean(1, keepdims=True)
        above = image[max(0, y0 - 3) : y0 + 1, columns].mean(0, keepdims=True)
        below = image[y1 - 1 : y1 + 3, columns].mean(0, keepdims=True)
        across = side_left * (1 - right) + side_right * right
        along = above * (1 - down) + below * down
        image[rows, columns] = ((across + along) / 2).astype(np.uint8)
    return image


def _plates(pack: np.lib.npyio.NpzFile, photographs: int, device: torch.device) -> Plates:
    of_photograph = np.full((photographs, MOST_PLATES), -1)
    filled = np.zeros(photographs, int)
    for number, owner in enumerate(pack["owner"]):
        if filled[owner] < MOST_PLATES:
            of_photograph[owner, filled[owner]] = number
            filled[owner] += 1
    names = ("owner", "box", "quad", "exact", "light", "rate")
    parts = {name: torch.from_numpy(pack[name]).to(device) for name in names}
    return Plates(**parts, of_photograph=torch.from_numpy(of_photograph).to(device))
