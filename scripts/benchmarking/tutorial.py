# SPDX-License-Identifier: Apache-2.0
"""The usual tutorial recipe as a localizer, for comparison."""

from __future__ import annotations

import cv2
import imutils
import numpy as np

from plategate.values import Image, PlateRegion

WIDTH_PX = 620


class TutorialLocalizer:
    """Bilateral filter, Canny, the largest contours; the first one with four corners."""

    name = "tutorial"

    def localize(self, image: Image, _every: bool = True) -> list[PlateRegion]:
        small = imutils.resize(image, width=WIDTH_PX)
        scale = image.shape[1] / small.shape[1]
        grey = cv2.bilateralFilter(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), 13, 15, 15)
        edges = cv2.Canny(grey, 30, 200)
        found = cv2.findContours(edges, cv2.RETR_TREE, cv2.CHAIN_APPROX_SIMPLE)
        largest = sorted(imutils.grab_contours(found), key=cv2.contourArea, reverse=True)[:10]
        for contour in largest:
            corners = cv2.approxPolyDP(contour, 0.018 * cv2.arcLength(contour, True), True)
            if len(corners) == 4:
                x, y, width, height = cv2.boundingRect(corners)
                box = np.array([x, y, x + width, y + height], float) * scale
                x0, y0, x1, y1 = (float(side) for side in box)
                return [PlateRegion(((x0, y0), (x1, y0), (x1, y1), (x0, y1)), 1.0, self.name)]
        return []

    def close_up(self, _image: Image, _region: PlateRegion) -> PlateRegion | None:
        """None: the recipe has no second pass."""
        return None
