# SPDX-License-Identifier: Apache-2.0
"""The pipeline: fallbacks, degraded modes, ranking of plates, end of a burst."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import numpy as np
import pytest

from plategate.errors import ModelError, ReaderError
from plategate.values import CharacterReading, Image, PlateImage, PlateReading, PlateRegion, Still
from plategate.vision.pipeline import Pipeline


def region(x: float = 40, y: float = 40, width: float = 80, sure: float = 0.9) -> PlateRegion:
    high = width / 4
    corners = ((x, y), (x + width, y), (x + width, y + high), (x, y + high))
    return PlateRegion(corners, sure, "fake")


def reading(text: str, confidence: float = 0.99, reader: str = "fake") -> PlateReading:
    return PlateReading(tuple(CharacterReading(c, confidence) for c in text), reader)


def still(number: int = 0) -> Still:
    return Still(np.full((120, 200, 3), 90, np.uint8), f"still-{number}", sequence=number)


class FakeLocalizer:
    """Returns prepared answers, or raises them if they are exceptions."""

    def __init__(self, *answers: list[PlateRegion] | Exception, name: str = "fake") -> None:
        self.name = name
        self.answers = list(answers)
        self.asked = 0

    def localize(self, image: Image, _every: bool = True) -> list[PlateRegion]:
        answer = self.answers[min(self.asked, len(self.answers) - 1)]
        self.asked += 1
        if isinstance(answer, Exception):
            raise answer
        return answer

    def close_up(self, _image: Image, _region: PlateRegion) -> PlateRegion | None:
        return None


class FakeReader:
    """Returns or raises prepared answers and records the plates that it got."""

    def __init__(self, *answers: PlateReading | Exception | None, name: str = "fake") -> None:
        self.name = name
        self.answers = list(answers)
        self.shown: list[PlateImage] = []

    def read(self, plate: PlateImage, variants: int | None = None) -> PlateReading | None:
        answer = self.answers[min(len(self.shown), len(self.answers) - 1)]
        self.shown.append(plate)
        if isinstance(answer, Exception):
            raise answer
        return answer


def texts(pipeline: Pipeline) -> list[str]:
    return [found.reading.text for found in pipeline.read_still(still()).plates]


def test_ok__one_plate() -> None:
    pipeline = Pipeline([FakeLocalizer([region()])], [FakeReader(reading("AB12CDE"))])
    result = pipeline.read_still(still())
    assert [found.reading.text for found in result.plates] == ["AB12CDE"]
    assert result.best is not None
    assert result.best.plate.region == region()
    assert {stage for stage, _ in result.milliseconds} == {"localize", "rectify", "read", "total"}


def test_ok__no_plate() -> None:
    reader = FakeReader(reading("AB12CDE"))
    result = Pipeline([FakeLocalizer([])], [reader]).read_still(still())
    assert result.plates == ()
    assert result.best is None
    assert reader.shown == []


def test_ok__no_localizer_and_no_reader() -> None:
    assert Pipeline([], []).read_still(still()).plates == ()


@pytest.mark.parametrize("regions", [[], [region()]])
def test_ok__a_working_localizer_is_not_replaced_by_the_next(regions: list[PlateRegion]) -> None:
    second = FakeLocalizer([region(90, 60)])
    reader = FakeReader(reading("FORD", 0.3), reading("AB12CDE"))
    result = Pipeline([FakeLocalizer(regions), second], [reader]).read_still(still())
    assert result.plates == ()
    assert result.regions == tuple(regions)
    assert second.asked == 0


def test_ok__regions_are_returned_even_if_nothing_reads() -> None:
    localizers = [FakeLocalizer([region()]), FakeLocalizer([])]
    result = Pipeline(localizers, [FakeReader(None)]).read_still(still())
    assert result.plates == ()
    assert result.regions == (region(),)


def test_ok__a_doubtful_region_without_text_gets_no_further_attempts() -> None:
    reader = FakeReader(None)
    Pipeline([FakeLocalizer([region(sure=0.4)])], [reader]).read_still(still())
    assert len(reader.shown) == 1


def test_ok__next_localizer_is_not_used_if_the_first_finds_a_plate() -> None:
    second = FakeLocalizer([region()])
    texts(Pipeline([FakeLocalizer([region()]), second], [FakeReader(reading("AB12CDE"))]))
    assert second.asked == 0


@pytest.mark.parametrize(
    "error", [ModelError("broken"), RuntimeError("oom"), ValueError("x"), IndexError("x")]
)
def test_ok__a_failing_localizer_is_replaced_and_logged_once(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    first = FakeLocalizer(error, error, [region()], name="tflite")
    pipeline = Pipeline([first, FakeLocalizer([region()])], [FakeReader(reading("AB12CDE"))])
    with caplog.at_level(logging.INFO):
        assert texts(pipeline) == ["AB12CDE"]
        assert texts(pipeline) == ["AB12CDE"]
        assert len(pipeline.degraded) == 1
        assert "tflite" in pipeline.degraded[0]
        assert len(caplog.records) == 1
        assert texts(pipeline) == ["AB12CDE"]
    assert pipeline.degraded == ()
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def test_ok__a_confident_reader_is_enough() -> None:
    first = FakeReader(reading("AB12CDE", 0.999))
    second = FakeReader(reading("AB12CDE"), name="second")
    texts(Pipeline([FakeLocalizer([region()])], [first, second]))
    assert second.shown == []
    assert len(first.shown) == 2


def test_ok__where_the_main_reader_reads_nothing_there_is_no_plate() -> None:
    first, second = FakeReader(None), FakeReader(reading("AB12CDE", 0.7))
    pipeline = Pipeline([FakeLocalizer([region()])], [first, second])
    assert texts(pipeline) == []
    assert second.shown == []


def test_ok__a_clear_plate_is_cut_twice() -> None:
    reader = FakeReader(reading("AB12CDE", 0.95))
    texts(Pipeline([FakeLocalizer([region()])], [reader]))
    one, other = reader.shown
    assert one.grey.shape != other.grey.shape


def test_ok__a_contradicting_second_cut_lowers_confidence() -> None:
    reader = FakeReader(reading("AB12CDE", 0.95), reading("AB12CD", 0.95))
    result = Pipeline([FakeLocalizer([region()])], [reader]).read_still(still())
    assert result.best is not None
    assert result.best.reading.confidence < 0.9


def test_ok__disagreement_is_not_averaged_away() -> None:
    first = FakeReader(reading("AB12CDE", 0.9, "one"), reading("AB12CDE", 0.75, "one"))
    second = FakeReader(reading("AB12CDF", 0.75, "two"))
    result = Pipeline([FakeLocalizer([region()])], [first, second]).read_still(still())
    assert result.best is not None
    assert result.best.reading.confidence < 0.75


def test_ok__failing_reader_is_replaced() -> None:
    pipeline = Pipeline(
        [FakeLocalizer([region()])],
        [FakeReader(ReaderError("gone"), name="tflite"), FakeReader(reading("AB12CDE"))],
    )
    assert texts(pipeline) == ["AB12CDE"]
    assert len(pipeline.degraded) == 1


def test_ok__no_reader_works() -> None:
    pipeline = Pipeline([FakeLocalizer([region()])], [FakeReader(RuntimeError("gone"))])
    result = pipeline.read_still(still())
    assert result.plates == ()
    assert result.regions == (region(),)


@pytest.mark.parametrize("text", ["", "A", "TAXI", "POLICE", "WWWAUTOHAUSDE"])
def test_ok__badges_and_signs_are_dropped(text: str) -> None:
    pipeline = Pipeline([FakeLocalizer([region()])], [FakeReader(reading(text, 0.3))])
    assert texts(pipeline) == []


def test_ok__plates_best_first() -> None:
    regions = [region(5, 5, 30), region(60, 50, 90)]
    far, near = reading("FAR4711", 0.99), reading("NEAR123", 0.99)
    reader = FakeReader(far, far, near)
    assert texts(Pipeline([FakeLocalizer(regions)], [reader])) == ["NEAR123", "FAR4711"]


NEAR, FAR = region(60, 50, 90), region(5, 5, 30)


@pytest.mark.parametrize(
    ("clear", "doubtful", "every", "asked"),
    [(NEAR, FAR, False, False), (FAR, NEAR, False, True), (NEAR, FAR, True, True)],
)
def test_ok__where_one_plate_is_wanted_only_those_that_could_rank_first_are_read(
    clear: PlateRegion, doubtful: PlateRegion, every: bool, asked: bool
) -> None:
    sure, unsure = reading("SURE123", 0.95), reading("DOUBT47", 0.75)
    reader = FakeReader(sure, sure, unsure)
    pipeline = Pipeline([FakeLocalizer([clear, doubtful])], [reader])
    assert len(pipeline.read_still(still(), every).plates) == 1 + asked
    assert len(reader.shown) == 2 + asked


def test_ok__in_a_burst_a_plate_behind_a_clear_one_is_not_read() -> None:
    sure = reading("SURE123", 0.95)
    reader = FakeReader(sure, sure, reading("OTHER47", 0.75))
    pipeline = Pipeline([FakeLocalizer([NEAR, FAR])], [reader])
    assert pipeline.read_burst([still()]).plate is not None
    assert len(reader.shown) == 2


def test_ok__still_is_not_modified() -> None:
    picture = still()
    before = picture.image.copy()
    Pipeline([FakeLocalizer([region()])], [FakeReader(reading("AB12CDE", 0.5))]).read_still(picture)
    assert np.array_equal(picture.image, before)


def test_ok__burst_ends_once_enough_stills_agree() -> None:
    taken = []

    def camera() -> Iterator[Still]:
        for number in range(5):
            taken.append(number)
            yield still(number)

    pipeline = Pipeline(
        [FakeLocalizer([region()])], [FakeReader(reading("AB12CDE"))], enough_stills=2
    )
    sighting = pipeline.read_burst(camera())
    assert taken == [0, 1]
    assert sighting.stills == 2
    assert sighting.reading is not None
    assert sighting.reading.text == "AB12CDE"
    assert sighting.plate is not None
    assert sighting.still is not None


def test_ok__burst_goes_on_where_stills_agree_weakly() -> None:
    pipeline = Pipeline(
        [FakeLocalizer([region()])], [FakeReader(reading("AB12CDE", 0.2))], enough_stills=1
    )
    assert pipeline.read_burst(still(number) for number in range(3)).stills > 1


def test_ok__burst_outvotes_one_misreading() -> None:
    right, wrong = reading("AB12CDE"), reading("AB12C0E", 0.97)
    reader = FakeReader(right, right, wrong, wrong, right)
    pipeline = Pipeline([FakeLocalizer([region()])], [reader], enough_stills=3)
    sighting = pipeline.read_burst(still(number) for number in range(4))
    assert sighting.reading is not None
    assert sighting.reading.text == "AB12CDE"
    assert sighting.stills == 4


def test_ok__the_still_of_a_sighting_shows_the_plate() -> None:
    localizer = FakeLocalizer([], [region()], [region()])
    pipeline = Pipeline([localizer], [FakeReader(reading("AB12CDE"))], enough_stills=2)
    sighting = pipeline.read_burst(still(number) for number in range(4))
    assert sighting.still is not None
    assert sighting.still.sequence in (1, 2)


def test_ok__burst_without_plates() -> None:
    sighting = Pipeline([FakeLocalizer([])], []).read_burst([still(0), still(1)])
    assert sighting.reading is None
    assert sighting.plate is None
    assert sighting.stills == 2
    assert sighting.still is not None


def test_ok__burst_without_stills() -> None:
    sighting = Pipeline([FakeLocalizer([])], []).read_burst([])
    assert (sighting.reading, sighting.still, sighting.stills) == (None, None, 0)
