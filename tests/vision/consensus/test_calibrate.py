# SPDX-License-Identifier: Apache-2.0
"""Calibration: monotonic curves, probabilities, missing and damaged files."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plategate.errors import ModelError
from plategate.values import CharacterReading, PlateReading
from plategate.vision.consensus.calibrate import (
    CALIBRATION_FILE,
    CUTS,
    UNCALIBRATED,
    Calibration,
    Curve,
    installed_calibration,
    load_calibration,
)

quick = settings(max_examples=60, deadline=None)
UNIT = st.floats(0.0, 1.0, allow_subnormal=False)

FILE = """
repeat = 0.25
[agreed.cuts]
slope = 1.5
offset = -0.5
[agreed.confirmed]
slope = 1.0
offset = 2.0
[agreed.unconfirmed]
slope = 1.0
offset = 0.5
[agreed.contested]
slope = 1.0
offset = -1.0
[agreed.divided]
slope = 0.5
offset = -0.5
[reader.tesseract]
weight = 0.3
slope = 0.8
offset = 0.1
"""


def folder(path: Path, content: str | None = None) -> Path:
    (path / "MANIFEST.toml").write_text("", encoding="utf-8")
    if content is not None:
        (path / CALIBRATION_FILE).write_text(content, encoding="utf-8")
    return path


@quick
@given(UNIT, UNIT, st.floats(0.1, 3.0), st.floats(-3.0, 3.0, allow_subnormal=False))
def test_ok__a_curve_is_monotonic(one: float, other: float, slope: float, offset: float) -> None:
    curve = Curve(slope, offset)
    low, high = sorted((one, other))
    assert 0.0 <= curve(low) <= curve(high) <= 1.0


def test_ok__the_identity_curve_changes_nothing() -> None:
    assert Curve()(0.87) == 0.87


@quick
@given(st.floats(0.01, 0.99), UNIT)
def test_ok__alternatives_share_the_remaining_probability(sure: float, part: float) -> None:
    character = CharacterReading("B", sure, (("8", (1 - sure) * part),))
    calibration = Calibration(curves={"tesseract": Curve(0.7, -1.0)})
    corrected = calibration.reading(PlateReading((character,), "tesseract")).characters[0]
    assert corrected.char == "B"
    assert corrected.confidence < max(sure, 0.5)
    assert corrected.confidence + corrected.alternatives[0][1] <= 1.0 + 1e-9


def test_ok__unknown_readers_are_not_calibrated() -> None:
    reading = PlateReading((CharacterReading("B", 0.9),), "new")
    assert UNCALIBRATED.reading(reading) is reading
    assert UNCALIBRATED.weight("new") == 1.0


def test_ok__the_file_is_read(tmp_path: Path) -> None:
    calibration = load_calibration(folder(tmp_path, FILE))
    assert calibration.repeat == 0.25
    assert calibration.agreed[CUTS] == Curve(1.5, -0.5)
    assert calibration.weight("tesseract") == 0.3
    assert calibration.curves["tesseract"] == Curve(0.8, 0.1)


def test_fail__a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"calibration\.toml is missing"):
        load_calibration(folder(tmp_path))


@pytest.mark.parametrize(
    "content",
    [
        "repeat = ",
        "repeat = 0.5",
        FILE.replace("0.8", "0"),
        FILE.replace("1.5", "'x'"),
        FILE.replace("agreed.unconfirmed", "agreed.unknown"),
    ],
)
def test_fail__damaged_file(tmp_path: Path, content: str) -> None:
    with pytest.raises(ModelError, match="calibration"):
        load_calibration(folder(tmp_path, content))


def test_ok__the_shipped_calibration_loads() -> None:
    assert isinstance(installed_calibration(), Calibration)
