# SPDX-License-Identifier: Apache-2.0
"""What the detector's map is taken for: one candidate for each plate."""

from __future__ import annotations

import pytest

from plategate.vision.plate_map import candidates, overlap

from .plate_maps import plate_map


def test_ok__two_answers_for_one_plate_become_one() -> None:
    twice = plate_map((100, 80, 180, 100, 0.9), (104, 64, 184, 96, 0.8))
    assert len(candidates(twice, 0.1)) == 1


def test_ok__overlap_counts_a_plate_within_a_plate() -> None:
    assert overlap((0, 0, 10, 10), (0, 0, 10, 10)) == pytest.approx(1)
    assert overlap((0, 0, 10, 10), (2, 2, 6, 6)) > 0.6
    assert overlap((0, 0, 10, 10), (10, 0, 20, 10)) == 0
