# SPDX-License-Identifier: Apache-2.0
"""Decoding the detector's output map: one candidate for each plate."""

from __future__ import annotations

import numpy as np
import pytest

from plategate.vision.localize.maps import candidates, overlap

from .plate_maps import plate_map


def test_ok__two_peaks_on_one_plate_become_one_candidate() -> None:
    twice = plate_map((100, 80, 180, 100, 0.9), (104, 64, 184, 96, 0.8))
    assert len(candidates(twice, 0.1)) == 1


def test_ok__overlap_counts_a_box_inside_another() -> None:
    assert overlap((0, 0, 10, 10), (0, 0, 10, 10)) == pytest.approx(1)
    assert overlap((0, 0, 10, 10), (2, 2, 6, 6)) > 0.6
    assert overlap((0, 0, 10, 10), (10, 0, 20, 10)) == 0


def test_ok__the_most_likely_candidates_are_kept_best_first() -> None:
    boxes = [(16.0 + 64 * i, 80.0, 64.0 + 64 * i, 96.0, 0.3 + 0.1 * i) for i in range(5)]
    found = candidates(plate_map(*boxes), 0.1, most=2)
    assert [round(one.score, 2) for one in found] == [0.7, 0.6]


def test_ok__a_wide_plate_does_not_suppress_another() -> None:
    answer = plate_map((8, 80, 376, 160, 0.9), (200, 232, 240, 248, 0.6))
    rows, columns = np.mgrid[12:18, 10:38]
    answer[12:18, 10:38, 1:] = answer[15, 24, 1:]  # likely all over, most of all in its middle
    answer[12:18, 10:38, 0] = 2.2 - 0.01 * (np.abs(rows - 15) + np.abs(columns - 24))
    found = candidates(answer, 0.1, most=4)
    assert [round(one.score, 1) for one in found] == [0.9, 0.6]
