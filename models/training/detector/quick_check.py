# SPDX-License-Identifier: Apache-2.0
"""Recall and false detections of one pass over the validation photographs, during training."""

from pathlib import Path

import cv2
import numpy as np
import torch

from plategate.vision.boxes import intersection_over_union
from plategate.vision.localize.maps import candidates

from .network import HEIGHT, WIDTH, PlateNetwork
from .photographs import read_labels

THRESHOLD = 0.3


class QuickCheck:
    """Keeps the validation photographs small and letterboxed."""

    def __init__(self, data: Path) -> None:
        self.items = []
        for (set_name, name), boxes in sorted(read_labels(data, "val").items()):
            image = cv2.imread(str(data / name))
            scale = min(WIDTH / image.shape[1], HEIGHT / image.shape[0])
            small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            canvas = np.full((HEIGHT, WIDTH, 3), 114, np.uint8)
            small = small[:HEIGHT, :WIDTH]
            canvas[: small.shape[0], : small.shape[1]] = small
            self.items.append((set_name, canvas, [box * scale for box in boxes]))

    def report(self, network: PlateNetwork) -> str:
        found: dict[str, list[int]] = {}
        for set_name, image, boxes in self.items:
            hits, all_plates, others, pictures = found.setdefault(set_name, [0, 0, 0, 0])
            x = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 127.5 - 1
            with torch.no_grad():
                plate_map = network(x.to(next(network.parameters()).device))[0]
            plates = candidates(plate_map.permute(1, 2, 0).cpu().numpy(), THRESHOLD)
            best = [
                max((intersection_over_union(p.box, b) for p in plates), default=0) for b in boxes
            ]
            wrong = [max(intersection_over_union(p.box, b) for b in boxes) < 0.3 for p in plates]
            found[set_name] = [
                hits + sum(b >= 0.5 for b in best),
                all_plates + len(boxes),
                others + sum(wrong),
                pictures + 1,
            ]
        total = np.sum(list(found.values()), axis=0)
        return "; ".join(
            f"{name} {100 * h / n:.1f} % with {o / p:.2f} others"
            for name, (h, n, o, p) in [*found.items(), ("all", total)]
        )
