# SPDX-License-Identifier: Apache-2.0
"""`plategate still` saves the camera's pictures, and reports why if it cannot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from plategate.cli import app
from tests.conftest import FullDisk


@pytest.fixture
def still(tmp_path: Path) -> Callable[..., Any]:
    (tmp_path / "scene").mkdir()
    for grey in (10, 20):
        cv2.imwrite(str(tmp_path / f"scene/{grey}.png"), np.full((24, 32, 3), grey, np.uint8))
    config = tmp_path / "settings.toml"
    config.write_text(
        f'[camera]\nkind = "folder"\npath = "{tmp_path}/scene"\nrotation = 90\n', encoding="utf-8"
    )
    return lambda *more: CliRunner().invoke(app, ["still", "--config", str(config), *more])


def test_ok__burst_into_files(still: Callable[..., Any], tmp_path: Path) -> None:
    answer = still(str(tmp_path / "out.png"), "--count", "2")
    assert answer.exit_code == 0, answer.output
    assert "out-2.png: 24 x 32, exposed " in answer.stdout
    assert answer.stdout.count("ms after the request") == 2
    for number, grey in ((1, 10), (2, 20)):
        image = cv2.imread(str(tmp_path / f"out-{number}.png"))
        assert image is not None
        assert image.shape == (32, 24, 3)
        assert int(image[0, 0, 0]) == grey


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("out.docx", "must end in .jpg or .png"), ("no/out.png", "cannot be written")],
)
def test_fail__reported(
    still: Callable[..., Any], tmp_path: Path, name: str, sentence: str
) -> None:
    assert sentence in str(still(str(tmp_path / name)).exception)


def test_fail__a_full_disk_leaves_no_half_picture(
    still: Callable[..., Any], tmp_path: Path, full_disk: FullDisk
) -> None:
    with full_disk(20):
        answer = still(str(tmp_path / "out.png"))
    assert "out.png: cannot be written: File too large" in str(answer.exception)
    assert not list(tmp_path.glob("out*"))
