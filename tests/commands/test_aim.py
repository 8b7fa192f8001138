# SPDX-License-Identifier: Apache-2.0
"""`plategate aim` rates pictures and live stills and says what to change.

The pipeline is a fake that finds the plate drawn by the test.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from plategate.cli import app
from plategate.values import PlateRegion, Still
from plategate.vision.pipeline import StillReading

Aim = Callable[..., Any]


class DrawnPlates:
    """Finds the light rectangle of a picture and reads nothing."""

    def read_still(self, still: Still, every: bool = True) -> StillReading:
        assert not every  # a camera is aimed at one plate
        grey = cv2.cvtColor(still.image, cv2.COLOR_BGR2GRAY)
        rows, columns = np.where(grey > 180)
        if not rows.size:
            return StillReading(still, (), (), ())
        x0, x1, y0, y1 = columns.min(), columns.max() + 1, rows.min(), rows.max() + 1
        corners = tuple((float(x), float(y)) for x, y in [(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
        return StillReading(still, (), (PlateRegion(corners, 1.0, "drawn"),), ())  # type: ignore[arg-type]


@pytest.fixture
def aim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Aim:
    monkeypatch.setattr("plategate.vision.pipeline.build_pipeline", lambda *_, **__: DrawnPlates())
    config = tmp_path / "settings.toml"
    config.write_text(
        f'[camera]\nkind = "folder"\npath = "{tmp_path}/stills"\n'
        '[pins]\nbackend = "mock"\nred = { pin = 20 }\ngreen = { pin = 21 }\n',
        encoding="utf-8",
    )
    return lambda *more: CliRunner().invoke(app, ["aim", "--config", str(config), *more])


@pytest.fixture
def stills(tmp_path: Path) -> Path:
    folder = tmp_path / "stills"
    folder.mkdir()
    for name, width in (("far", 90), ("near", 240)):
        image = np.full((480, 640, 3), 70, np.uint8)
        height = width * 11 // 52
        image[200 : 200 + height, 200 : 200 + width] = 220
        scale = width / 240
        cv2.putText(
            image, "B482KX", (200 + round(16 * scale), 200 + round(39 * scale)),
            cv2.FONT_HERSHEY_SIMPLEX, 1.35 * scale, (25, 25, 25), max(1, round(5 * scale)),
        )  # fmt: skip
        cv2.imwrite(str(folder / f"{name}.png"), image)
    cv2.imwrite(str(folder / "dark.png"), np.full((480, 640, 3), 5, np.uint8))
    return folder


def reports(answer: Any) -> list[dict[str, Any]]:
    return [json.loads(line) for line in answer.stdout.splitlines()]


def test_ok__folder_of_pictures(aim: Aim, stills: Path) -> None:
    answer = aim("--json", str(stills))
    assert answer.exit_code == 0, answer.output
    found = {Path(report["file"]).stem: report for report in reports(answer)}
    assert list(found) == ["dark", "far", "near"]
    assert found["near"]["grade"] == "good", found["near"]
    width = found["far"]["findings"][0]
    assert width["name"] == "plate width"
    assert width["value"] == "90 px"
    assert width["advice"].startswith("should be 1.9 times larger")
    assert "the picture is dark" in found["dark"]["findings"][0]["advice"]


def test_ok__table_for_the_terminal(aim: Aim, stills: Path) -> None:
    answer = aim(str(stills / "far.png"))
    assert "plate width" in answer.stdout
    assert "bad" in answer.stdout
    # The plate was found, so the heading must not deny it: it was only not read.
    assert "plate found, not readable" in " ".join(answer.stdout.split())
    assert "no plate found" in " ".join(aim(str(stills / "dark.png")).stdout.split())


def test_fail__broken_picture_is_reported_and_the_others_are_rated(aim: Aim, stills: Path) -> None:
    (stills / "a.jpg").write_bytes(b"not a picture")
    answer = aim("--json", str(stills / "a.jpg"), str(stills / "near.png"))
    assert answer.exit_code == 1
    assert "error" in reports(answer)[0]
    assert reports(answer)[1]["grade"] == "good"


def test_fail__what_is_not_a_picture_is_reported_in_the_table_mode_too(
    aim: Aim, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    answer = aim(str(tmp_path / "empty"), str(tmp_path / "gone.jpg"))
    assert answer.exit_code == 1
    assert answer.stdout.splitlines() == [
        f"{tmp_path}/empty: not an image: it is a directory",
        f"{tmp_path}/gone.jpg: no such file",
    ]


def test_ok__live_with_lamps(aim: Aim, stills: Path) -> None:
    answer = aim("--json", "--stills", "3", "--lamps")
    assert answer.exit_code == 0, answer.output
    assert [Path(report["file"]).stem for report in reports(answer)] == ["dark", "far", "near"]


def test_fail__missing_camera_is_reported(aim: Aim) -> None:
    answer = aim("--stills", "1")
    assert "stills: " in str(answer.exception)
