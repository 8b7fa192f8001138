# SPDX-License-Identifier: Apache-2.0
"""Evaluates the refiner during training: plates against other candidates, and corners."""

from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn

from detector.photographs import read_labels
from detector.scoring import overlap
from plategate.vision.localize.detector import Detector
from plategate.vision.localize.refiner import Window, cut
from plategate.vision.localize.tflite import Search


class QuickCheck:
    """Holds the detector's candidates in the validation photographs."""

    def __init__(self, data: Path, detector: Detector) -> None:
        self.places = []
        search = Search()
        for (_, name), labels in sorted(read_labels(data, "val").items()):
            image = cv2.imread(str(data / name))
            for one in detector.propose(image, search.suspect)[: search.most]:
                box, window = np.array(one.box, np.float32), Window.around(one.box)
                nearest = max(labels, key=lambda label: overlap(box, label))
                self.places.append((cut(image, window), window, nearest, overlap(box, nearest)))

    @torch.no_grad()
    def report(self, network: nn.Module) -> str:
        """Recall at IoU 0.5 before and after refining; probabilities of plates and of others."""
        device = next(network.parameters()).device
        before, after, plates, others = 0, 0, [], []
        for image, window, label, shared in self.places:
            x = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 127.5 - 1
            logit, *corners = network(x.to(device))[0].tolist()
            quad = window.to_still(np.array(corners, np.float32).reshape(4, 2))
            if shared >= 0.3:
                plates.append(logit)
                before += shared >= 0.5
                after += overlap(np.concatenate([quad.min(0), quad.max(0)]), label) >= 0.5
            elif shared < 0.1:
                others.append(logit)
        limit = float(np.percentile(plates, 3))
        kept = sum(logit >= limit for logit in others)
        return (
            f"{after} of {len(plates)} plates fit ({before} before); of {len(others)} others "
            f"{kept} are likelier than the 3 % least likely plates"
        )
