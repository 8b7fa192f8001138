# SPDX-License-Identifier: Apache-2.0
"""Batches of training scenes: composed and degraded pictures with their target maps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from plategate.vision.localize.letterbox import CANVASES

from . import bank, photographs
from .compose import Composer
from .targets import target
from .weather import weathered

# Share of the batches of each canvas: as among photographs; the largest one holds most.
SHARES = (0.4, 0.15, 0.2, 0.1, 0.15)


class Batches:
    """Draws scenes from the material prepared in a folder; the same seeds give the same scenes."""

    def __init__(self, work: Path, *seeds: int) -> None:
        self._rng = np.random.default_rng(seeds)
        self._composer = Composer(
            self._rng,
            photographs.load(work),
            bank.load(work / "plates.npz"),
            bank.load(work / "distractors.npz"),
        )

    def draw(self, count: int) -> tuple[Tensor, Tensor]:
        """Pictures (count x 3 x height x width, BGR, -1 to 1) and their target maps.

        All pictures of a batch have the size of one of the firmware's canvases.
        """
        size = CANVASES[int(self._rng.choice(len(CANVASES), p=SHARES))]
        scenes = [self._composer.scene(*size) for _ in range(count)]
        images = np.stack([weathered(self._rng, scene.image) for scene in scenes])
        wanted = np.stack([target(scene) for scene in scenes])
        x = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1
        return x.contiguous(memory_format=torch.channels_last), torch.from_numpy(wanted)
