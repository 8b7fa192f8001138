# SPDX-License-Identifier: Apache-2.0
"""Motion detection in small grey frames; pure, the caller supplies frames and time.

Each frame is compared with a slowly learned background: a parked car becomes background, and a
change of light everywhere restarts the learning. It may trigger the lane but is no safety input.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from plategate.messages import Level
from plategate.settings.triggers import MotionSettings
from plategate.values import Image

WORK_WIDTH = 160


class MotionDetector:
    """Background subtraction with hysteresis; `level` is ACTIVE while something moves."""

    def __init__(self, settings: MotionSettings) -> None:
        self._settings = settings
        self._background: NDArray[np.float32] | None = None
        self._fed_s = 0.0
        self._agreeing = 0
        self.share = 0.0
        self.level = Level.UNKNOWN

    def feed(self, grey: Image, now_s: float) -> Level:
        """Add a frame (H x W uint8, not modified) taken at `now_s` and return the level."""
        small = self._prepare(grey)
        if self._background is None or self._background.shape != small.shape:
            return self._reset_background(small, now_s)
        changed = cv2.absdiff(small, self._background) > self._settings.difference
        self.share = float(np.count_nonzero(changed)) / changed.size
        if self.share > self._settings.flood_share:
            return self._reset_background(small, now_s)
        self._update_background(small, now_s)
        self._update_level()
        return self.level

    def _prepare(self, grey: Image) -> NDArray[np.float32]:
        height, width = grey.shape
        left, top, share_x, share_y = self._settings.zone
        y0, x0 = int(top * height), int(left * width)
        zone = grey[y0 : y0 + max(1, int(share_y * height)), x0 : x0 + max(1, int(share_x * width))]
        scale = WORK_WIDTH / zone.shape[1]
        size = (WORK_WIDTH, max(1, round(zone.shape[0] * scale)))
        small = cv2.resize(zone, size, interpolation=cv2.INTER_AREA)
        return cv2.GaussianBlur(small, (5, 5), 0).astype(np.float32)

    def _reset_background(self, small: NDArray[np.float32], now_s: float) -> Level:
        """Take this frame as background: it is the first, or the light has changed everywhere."""
        self._background, self._fed_s = small, now_s
        self._agreeing = 0
        self.level = Level.INACTIVE
        return self.level

    def _update_background(self, small: NDArray[np.float32], now_s: float) -> None:
        weight = min(1.0, (now_s - self._fed_s) / self._settings.forget_s)
        self._fed_s = now_s
        assert self._background is not None
        cv2.accumulateWeighted(small, self._background, weight)

    def _update_level(self) -> None:
        moving = self.level is Level.ACTIVE
        limit = self._settings.end_share if moving else self._settings.start_share
        disagrees = self.share < limit if moving else self.share > limit
        self._agreeing = self._agreeing + 1 if disagrees else 0
        if self._agreeing >= self._settings.looks:
            self._agreeing = 0
            self.level = Level.INACTIVE if moving else Level.ACTIVE
