# SPDX-License-Identifier: Apache-2.0
"""Guards: the negatives of the reader training are visible lettering and no registrations."""

from __future__ import annotations

import re

import numpy as np
import pytest

from tests.models.test_synthesis import needs_fonts


@pytest.fixture
def signs(training_part):
    return training_part("synthesis.signs")


def test_telephone_numbers_have_more_digits_than_any_registration(signs) -> None:
    rng = np.random.default_rng(1)
    for _ in range(200):
        assert len(re.sub(r"\D", "", signs.telephone(rng))) >= 8


def test_words_are_never_a_mix_of_letters_and_digits_like_a_plate(signs) -> None:
    rng = np.random.default_rng(2)
    for _ in range(500):
        said = re.sub(r"[^A-Z0-9]", "", signs.words(rng).upper())
        assert not re.fullmatch(r"[A-Z]{1,3}\d{1,4}[A-Z]{0,3}", said), said


@needs_fonts
def test_a_drawn_sign_has_the_given_height_and_can_be_seen(signs) -> None:
    rng = np.random.default_rng(3)
    grounds = [np.full((120, 160, 3), 128, np.uint8)]
    for _ in range(20):
        sign = signs.draw_sign(grounds, rng)
        assert sign.shape[0] == signs.HEIGHT
        assert np.ptp(sign.mean(2)) > 40


def test_lines_that_are_too_high_are_cut_not_lost(signs) -> None:
    high = np.ones((signs.HEIGHT + 30, 50), np.float32)
    stacked = signs._stacked([high], np.random.default_rng(4))
    assert stacked.shape[0] == signs.HEIGHT
    assert stacked[:, stacked.shape[1] // 2].all()
