# SPDX-License-Identifier: Apache-2.0
"""Guards who is asked about a plate: a reader that is in doubt has looked in every way already."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from plategate.errors import ModelError
from plategate.values import CharacterReading, Image, PlateImage, PlateReading, PlateRegion
from plategate.vision.degraded import Degraded
from plategate.vision.region import RegionReader

STILL = np.full((120, 200, 3), 90, np.uint8)
REGION = PlateRegion(((40, 40), (120, 40), (120, 60), (40, 60)), 0.9, "fake")


class Scripted:
    """A reader that says one thing after the other."""

    def __init__(self, name: str, *said: tuple[str, float]) -> None:
        self.name = name
        self.said = list(said)
        self.shown: list[PlateImage] = []

    @property
    def asked(self) -> int:
        return len(self.shown)

    def read(self, plate: PlateImage) -> PlateReading:
        self.shown.append(plate)
        text, confidence = self.said[self.asked - 1]
        return PlateReading(tuple(CharacterReading(c, confidence) for c in text), self.name)


class Nearer:
    """A localizer that, asked to look closer, says what it was told to say, or raises."""

    name = "nearer"

    def __init__(self, answer: PlateRegion | Exception | None = None) -> None:
        self.answer = answer
        self.asked: list[PlateRegion] = []

    def localize(self, image: Image) -> list[PlateRegion]:
        raise AssertionError("the regions are known already")

    def close_up(self, image: Image, region: PlateRegion) -> PlateRegion | None:
        self.asked.append(region)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def read(*readers: Scripted, thorough: bool = True, localizer: Nearer | None = None) -> str | None:
    readings = RegionReader(readers, None, Degraded(), lambda: 0.0)
    found = readings.read(STILL, REGION, localizer or Nearer(), thorough)[1]
    return found.text if found else None


@pytest.mark.parametrize(("sure", "asked"), [(0.9, (2, 1)), (0.5, (1, 1))])
def test_ok__only_a_clear_reading_is_confirmed_by_its_reader(
    sure: float, asked: tuple[int, int]
) -> None:
    first = Scripted("first", ("NEAR123", sure), ("NEAR128", sure))
    second = Scripted("second", ("NEAR123", 0.9))
    read(first, second)
    assert (first.asked, second.asked) == asked


def test_ok__a_confirming_cut_says_that_it_is_one() -> None:
    first = Scripted("first", ("NEAR123", 0.9), ("NEAR123", 0.9))
    read(first)
    assert [plate.confirms for plate in first.shown] == [False, True]
    level, tight = (plate.grey.shape for plate in first.shown)
    assert tight[0] < level[0]
    assert tight[1] < level[1]


PROPOSED = replace(REGION, proposed=((44, 38), (126, 42), (124, 64), (42, 58)))


def test_ok__a_plate_is_confirmed_along_the_corners_of_another_look_where_there_are_any() -> None:
    first = Scripted("first", ("NEAR123", 0.9), ("NEAR123", 0.9))
    readings = RegionReader([first], None, Degraded(), lambda: 0.0)
    plate, _ = readings.read(STILL, PROPOSED, Nearer())
    normal, again = first.shown
    assert plate.region.corners == normal.region.corners == PROPOSED.corners
    assert again.region.corners == PROPOSED.proposed
    assert again.confirms


@pytest.mark.parametrize(("sure", "asked"), [(0.9, 0), (0.5, 1)])
def test_ok__a_doubtful_confirmation_is_none(sure: float, asked: int) -> None:
    first = Scripted("first", ("NEAR123", 0.99), ("NEAR123", sure))
    second = Scripted("second", ("NEAR128", 0.9))
    read(first, second)
    assert second.asked == asked


def test_ok__a_confirmation_that_says_something_else_is_put_to_others() -> None:
    first = Scripted("first", ("NEAR123", 0.9), ("NEAR128", 0.9))
    second = Scripted("second", ("NEAR128", 0.9))
    read(first, second)
    assert second.asked == 1
    assert second.shown[0] is first.shown[0]


def test_ok__others_see_what_was_doubted_and_a_levelled_cut_where_that_does_not_help() -> None:
    first = Scripted("first", ("NEAR123", 0.5))
    second = Scripted("second", ("NEAR128", 0.6), ("NEAR123", 0.9))
    read(first, second)
    assert second.shown[0] is first.shown[0]
    assert second.shown[1].grey.shape != first.shown[0].grey.shape


def test_ok__what_the_only_reader_doubts_is_taken_as_it_is() -> None:
    only = Scripted("only", ("NEAR123", 0.5), ("NEAR128", 0.9))
    assert read(only) == "NEAR123"
    assert only.asked == 1


def test_ok__nobody_else_is_asked_where_it_need_not_be_thorough() -> None:
    first, second = Scripted("first", ("NEAR123", 0.5)), Scripted("second", ("NEAR128", 0.9))
    assert read(first, second, thorough=False) == "NEAR123"
    assert second.asked == 0


NEARER = replace(REGION, corners=((70, 42), (130, 42), (130, 58), (70, 58)))


def test_ok__a_doubtful_plate_is_read_again_with_the_corners_of_a_closer_look() -> None:
    first = Scripted("first", ("NEAR123", 0.5), ("NEAR123", 0.95), ("NEAR123", 0.95))
    second = Scripted("second", ("NEAR128", 0.9))
    nearer = Nearer(NEARER)
    assert read(first, second, localizer=nearer) == "NEAR123"
    assert nearer.asked == [REGION]
    assert first.shown[1].region == NEARER
    assert first.shown[2].confirms
    assert first.shown[2].region == NEARER
    assert second.asked == 0


def test_ok__a_closer_look_that_says_something_else_is_not_enough_by_itself() -> None:
    first = Scripted("first", ("NEAR123", 0.5), ("NEAR128", 0.95))
    second = Scripted("second", ("NEAR128", 0.9))
    assert read(first, second, localizer=Nearer(NEARER)) == "NEAR128"
    assert first.asked == 2
    assert second.shown[0] is first.shown[1]


@pytest.mark.parametrize("others", [(), (Scripted("silent", ("", 0.0), ("", 0.0)),)])
def test_ok__two_looks_that_differ_are_never_sure_where_nobody_else_speaks(
    others: tuple[Scripted, ...],
) -> None:
    first = Scripted("first", ("NEAR123", 0.6), ("NEAR128", 0.95))
    readings = RegionReader([first, *others], None, Degraded(), lambda: 0.0)
    found = readings.read(STILL, REGION, Nearer(NEARER))[1]
    assert found is not None
    assert found.confidence < 0.9


def test_ok__a_closer_look_that_is_read_less_surely_counts_for_nothing() -> None:
    first = Scripted("first", ("NEAR123", 0.5), ("NEAR128", 0.4))
    second = Scripted("second", ("NEAR123", 0.96))
    assert read(first, second, localizer=Nearer(NEARER)) == "NEAR123"
    assert second.shown[0] is first.shown[0]


@pytest.mark.parametrize(("sure", "thorough"), [(0.9, True), (0.5, False)])
def test_ok__no_closer_look_where_it_is_not_needed(sure: float, thorough: bool) -> None:
    nearer = Nearer(REGION)
    read(
        Scripted("first", ("NEAR123", sure), ("NEAR123", sure)), localizer=nearer, thorough=thorough
    )
    assert nearer.asked == []


def test_fail__a_closer_look_that_fails_leaves_the_first_reading() -> None:
    degraded = Degraded()
    readings = RegionReader([Scripted("only", ("NEAR123", 0.5))], None, degraded, lambda: 0.0)
    found = readings.read(STILL, REGION, Nearer(ModelError("model x failed: broken")))[1]
    assert found is not None and found.text == "NEAR123"
    assert degraded.sentences == ("working without nearer: model x failed: broken",)
