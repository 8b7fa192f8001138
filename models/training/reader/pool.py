# SPDX-License-Identifier: Apache-2.0
"""Keeps many pictures on the training device and draws random batches of them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .batch_cut import Plates
from .makers import KEPT_HEIGHT, KEPT_WIDTH, MOST_CHARACTERS, Chunk, classes_of

ONE_LINE_SKIPPED = 0.35


class Pool:
    """A ring of pictures with boxes, corners and texts; the oldest make room for new ones."""

    def __init__(self, capacity: int, device: torch.device) -> None:
        self.capacity, self.device = capacity, device
        self.filled, self.added = 0, 0

        def empty(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
            return torch.zeros(capacity, *shape, dtype=dtype, device=device)

        self.pictures = empty(KEPT_HEIGHT, KEPT_WIDTH, dtype=torch.uint8)
        self.shapes, self.boxes, self.quads = empty(2), empty(4), empty(4, 2)
        self.two_line = empty(dtype=torch.bool)
        self.classes = empty(MOST_CHARACTERS, dtype=torch.long)
        self.lengths = empty(dtype=torch.long)

    def add(self, chunk: Chunk) -> None:
        """Put a chunk in."""
        classes, lengths = classes_of(chunk.texts)
        at = (torch.arange(len(lengths)) + self.added) % self.capacity
        at = at.to(self.device)
        for place, values in (
            (self.pictures, chunk.pictures),
            (self.shapes, chunk.shapes),
            (self.boxes, chunk.boxes),
            (self.quads, chunk.quads),
            (self.two_line, chunk.two_line),
            (self.classes, classes),
            (self.lengths, lengths),
        ):
            place[at] = torch.from_numpy(np.ascontiguousarray(values)).to(self.device)
        self.added += len(lengths)
        self.filled = min(self.capacity, self.added)

    def draw(self, count: int, shares: Tensor | None = None) -> Tensor:
        """Random places in the ring; one-line plates less often, or by given chances."""
        if shares is not None:
            return torch.multinomial(shares, count, replacement=True)
        first, second = torch.randint(self.filled, (2, count), device=self.device)
        again = ~self.two_line[first] & (torch.rand(count, device=self.device) < ONE_LINE_SKIPPED)
        return torch.where(again, second, first)

    def get(self, at: Tensor) -> tuple[Plates, Tensor, Tensor]:
        """The plates at these places, the classes of their characters, and how many these are."""
        plates = Plates(
            self.pictures[at][:, None],
            self.shapes[at],
            self.boxes[at],
            self.quads[at],
            self.two_line[at],
        )
        return plates, self.classes[at], self.lengths[at]


def joined(parts: list[tuple[Plates, Tensor, Tensor]]) -> tuple[Plates, Tensor, Tensor]:
    """Several batches as one."""
    plates = Plates(
        *(
            torch.cat([getattr(one, name) for one, _, _ in parts])
            for name in ("pictures", "shapes", "boxes", "quads", "two_line")
        )
    )
    return plates, torch.cat([one for _, one, _ in parts]), torch.cat([one for _, _, one in parts])
