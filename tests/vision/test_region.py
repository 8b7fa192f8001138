# SPDX-License-Identifier: Apache-2.0
"""The attempts at one region: which cuts are read, by which readers, in which order."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from plategate.errors import ModelError, ReaderError
from plategate.values import CharacterReading, Image, PlateImage, PlateReading, PlateRegion
from plategate.vision.attempts import CASCADE
from plategate.vision.degraded import Degraded
from plategate.vision.region import RegionReader

STILL = np.full((120, 200, 3), 90, np.uint8)
REGION = PlateRegion(((40, 40), (120, 40), (120, 60), (40, 60)), 0.9, "fake")


class Scripted:
    """A reader with prepared readings or exceptions, used one after the other."""

    def __init__(self, name: str, *said: tuple[str, float] | Exception) -> None:
        self.name = name
        self.said = list(said)
        self.shown: list[PlateImage] = []

    @property
    def asked(self) -> int:
        return len(self.shown)

    def read(self, plate: PlateImage, variants: int | None = None) -> PlateReading:
        self.shown.append(plate)
        said = self.said[self.asked - 1]
        if isinstance(said, Exception):
            raise said
        text, confidence = said
        return PlateReading(tuple(CharacterReading(c, confidence) for c in text), self.name)


class CloseUp:
    """A localizer with a prepared answer, or exception, for close-ups."""

    name = "close-up"

    def __init__(self, answer: PlateRegion | Exception | None = None) -> None:
        self.answer = answer
        self.asked: list[PlateRegion] = []

    def localize(self, image: Image, _every: bool = True) -> list[PlateRegion]:
        raise AssertionError("the regions are known already")

    def close_up(self, image: Image, region: PlateRegion) -> PlateRegion | None:
        self.asked.append(region)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def read(*readers: Scripted, localizer: CloseUp | None = None) -> str | None:
    readings = RegionReader(readers, None, Degraded(), lambda: 0.0)
    found = readings.read(STILL, REGION, localizer or CloseUp())[1]
    return found.text if found else None


@pytest.mark.parametrize(
    ("sure", "asked"),
    [
        (0.9, (2, 0)),  # confirmed by the second cut
        (0.5, (1, 0)),  # doubtful, and there is no close-up of it
        (0.0, (1, 0)),  # as good as nothing: other readers read nothing there either
    ],
)
def test_ok__effort_depends_on_the_first_reading(sure: float, asked: tuple[int, int]) -> None:
    first = Scripted("first", ("NEAR123", sure), ("NEAR123", sure))
    second = Scripted("second", ("OTHER99", 0.4), ("OTHER99", 0.4))
    read(first, second)
    assert (first.asked, second.asked) == asked


SAME, OTHER = "NEAR123", "NEAR128"


@pytest.mark.parametrize(
    ("small", "main", "text", "asked"),
    [
        ([(SAME, 0.8), (SAME, 0.8)], [], SAME, (2, 0)),  # confirmed on its second cut
        ([(SAME, 0.8), (OTHER, 0.8)], [(SAME, 0.9)], SAME, (2, 1)),  # by the main reader instead
        ([(SAME, 0.6)], [(SAME, 0.9)], SAME, (1, 1)),  # confirms the main reader
        ([(SAME, 0.5)], [(SAME, 0.5)], SAME, (1, 1)),  # also if both are doubtful
        ([(OTHER, 0.6)], [(SAME, 0.9)] * 3, SAME, (1, 3)),  # contradicts: more variants, second cut
        ([(OTHER, 0.4)], [(SAME, 0.9)] * 2, SAME, (1, 2)),  # nothing to confirm: as if alone
    ],
)
def test_ok__the_small_reader_reads_first(
    small: list[tuple[str, float]],
    main: list[tuple[str, float]],
    text: str,
    asked: tuple[int, int],
) -> None:
    first, second = Scripted("small", *small), Scripted("main", *main)
    other = Scripted("other", ("OTHER99", 0.9))
    reader = RegionReader([first, second, other], None, Degraded(), lambda: 0.0)
    found = reader.read(STILL, REGION, CloseUp())[1]
    assert found is not None and found.text == text
    assert (first.asked, second.asked) == asked
    assert other.asked == 0


def test_ok__a_reading_above_the_limit_of_the_table_suffices_alone() -> None:
    first, second = Scripted("main", (SAME, 0.99)), Scripted("other", (OTHER, 0.9))
    cascade = replace(CASCADE, alone=0.97)
    reader = RegionReader([first, second], None, Degraded(), lambda: 0.0, cascade)
    assert reader.read(STILL, REGION, CloseUp())[1] is not None
    assert (first.asked, second.asked) == (1, 0)


def test_ok__a_small_reading_by_itself_is_not_enough() -> None:
    first, second = Scripted("small", (SAME, 0.6)), Scripted("main", ("", 0.0), ("", 0.0))
    reader = RegionReader([first, second], None, Degraded(), lambda: 0.0)
    assert reader.read(STILL, REGION, CloseUp())[1] is None


def test_ok__a_plate_without_text_for_the_small_reader_is_given_up_if_doubtful() -> None:
    first, second = Scripted("small", ("", 0.0)), Scripted("main", ("NEAR123", 0.9))
    reader = RegionReader([first, second], None, Degraded(), lambda: 0.0)
    assert reader.read(STILL, replace(REGION, confidence=0.3), CloseUp())[1] is None
    assert second.asked == 0


def test_ok__the_second_cut_is_tighter() -> None:
    first = Scripted("first", ("NEAR123", 0.9), ("NEAR123", 0.9))
    read(first)
    level, tight = (plate.grey.shape for plate in first.shown)
    assert tight[0] < level[0]
    assert tight[1] < level[1]


PROPOSED = replace(REGION, proposed=((44, 38), (126, 42), (124, 64), (42, 58)))


def test_ok__the_second_cut_follows_the_detectors_own_corners() -> None:
    first = Scripted("first", ("NEAR123", 0.9), ("NEAR123", 0.9))
    readings = RegionReader([first], None, Degraded(), lambda: 0.0)
    plate, _ = readings.read(STILL, PROPOSED, CloseUp())
    normal, again = first.shown
    assert plate.region.corners == normal.region.corners == PROPOSED.corners
    assert again.region.corners == PROPOSED.proposed


@pytest.mark.parametrize(("sure", "asked"), [(0.9, 0), (0.5, 1)])
def test_ok__a_doubtful_second_cut_does_not_confirm(sure: float, asked: int) -> None:
    first = Scripted("first", ("NEAR123", 0.95), ("NEAR123", sure))
    second = Scripted("second", ("NEAR128", 0.9))
    read(first, second)
    assert second.asked == asked


def test_ok__a_contradicting_second_cut_is_given_to_other_readers() -> None:
    first = Scripted("first", ("NEAR123", 0.9), ("NEAR128", 0.9))
    second = Scripted("second", ("NEAR128", 0.9))
    read(first, second)
    assert second.asked == 1
    assert second.shown[0] is first.shown[0]


def test_fail__another_reader_gets_the_plate_if_the_main_one_fails() -> None:
    broken = ReaderError("model x failed: broken")
    main, second = Scripted("main", broken), Scripted("second", ("NEAR128", 0.6))
    assert read(main, second) == "NEAR128"
    assert second.shown == main.shown


def test_fail__another_reader_gets_the_plate_if_the_main_one_fails_to_confirm() -> None:
    small, main = Scripted("small", (SAME, 0.6)), Scripted("main", ReaderError("broken"))
    assert read(small, main, Scripted("second", (OTHER, 0.6))) == OTHER
    assert main.asked == 1


def test_fail__a_failing_small_reader_is_as_good_as_none() -> None:
    small, main = Scripted("small", ReaderError("broken")), Scripted("main", *[(SAME, 0.9)] * 2)
    assert read(small, main) == SAME


def test_ok__no_other_reader_gets_a_plate_of_which_the_main_one_reads_nothing() -> None:
    second = Scripted("second", ("NEAR128", 0.6))
    assert read(Scripted("main", ("", 0.0)), second) is None
    assert second.asked == 0


@pytest.mark.parametrize(
    ("region", "small", "asked"), [(0.54, 0.00009, 0), (0.55, 0.00009, 1), (0.54, 0.0001, 1)]
)
def test_ok__a_region_in_which_little_is_seen_is_not_read_further(
    region: float, small: float, asked: int
) -> None:
    first, second = Scripted("small", (SAME, small)), Scripted("main", (SAME, 0.5))
    reader = RegionReader([first, second], None, Degraded(), lambda: 0.0)
    found = reader.read(STILL, replace(REGION, confidence=region), CloseUp())[1]
    assert (found is not None, second.asked) == (bool(asked), asked)


def test_ok__the_only_readers_doubtful_reading_is_returned() -> None:
    only = Scripted("only", ("NEAR123", 0.5), ("NEAR128", 0.9))
    assert read(only) == "NEAR123"
    assert only.asked == 1


MOVED = replace(REGION, corners=((70, 42), (130, 42), (130, 58), (70, 58)))


def test_ok__a_doubtful_plate_is_read_again_in_a_close_up() -> None:
    first = Scripted("first", ("NEAR123", 0.5), ("NEAR123", 0.95), ("NEAR123", 0.95))
    second = Scripted("second", ("NEAR128", 0.9))
    close_up = CloseUp(MOVED)
    assert read(first, second, localizer=close_up) == "NEAR123"
    assert close_up.asked == [REGION]
    assert first.shown[1].region == MOVED
    assert first.shown[2].grey.shape[0] < first.shown[1].grey.shape[0]
    assert first.shown[2].region == MOVED
    assert second.asked == 0


def test_ok__two_contradicting_cuts_are_never_confident() -> None:
    first = Scripted("first", ("NEAR123", 0.6), ("NEAR128", 0.95))
    readings = RegionReader([first], None, Degraded(), lambda: 0.0)
    found = readings.read(STILL, REGION, CloseUp(MOVED))[1]
    assert found is not None
    assert found.confidence < 0.9


def test_ok__a_close_up_with_a_weaker_reading_is_set_aside() -> None:
    first = Scripted("first", ("NEAR123", 0.5), ("NEAR128", 0.4))
    assert read(first, localizer=CloseUp(MOVED)) == "NEAR123"


@pytest.mark.parametrize(("sure", "close_ups"), [(0.9, 0), (0.79, 1), (0.2, 1), (0.19, 0), (0, 0)])
def test_ok__a_close_up_is_made_only_of_a_doubtful_plate(sure: float, close_ups: int) -> None:
    close_up = CloseUp(MOVED)
    first = Scripted("first", ("NEAR123", sure), ("NEAR123", sure))
    read(first, Scripted("second", ("NEAR123", 0.4)), localizer=close_up)
    assert len(close_up.asked) == close_ups


def test_fail__a_failing_close_up_keeps_the_first_reading() -> None:
    degraded = Degraded()
    readings = RegionReader([Scripted("only", ("NEAR123", 0.5))], None, degraded, lambda: 0.0)
    found = readings.read(STILL, REGION, CloseUp(ModelError("model x failed: broken")))[1]
    assert found is not None and found.text == "NEAR123"
    assert degraded.sentences == ("working without close-up: model x failed: broken",)
