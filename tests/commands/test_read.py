# SPDX-License-Identifier: Apache-2.0
"""Guards the output of `plategate read`: one line a picture in order, whatever the others are."""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from plategate.cli import app

DEMO = Path(__file__).parents[1] / "data" / "demo"
DAY = DEMO / "01-day-1.jpg"
MODELS = Path(__file__).parents[2] / "models"
EMPTY_STREET = DEMO / "14-street-without-a-car.jpg"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["read", *map(str, arguments)])


def documents(result: Result) -> list[dict]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_ok__json_line_as_the_manual_says() -> None:
    result = run(DAY, "--json")
    assert result.exit_code == 0
    (line,) = documents(result)
    assert set(line) == {"file", "plates", "lettering", "milliseconds"}
    assert line["lettering"] == []
    assert line["file"] == str(DAY)
    assert {"decode", "localize", "read", "total"} <= set(line["milliseconds"])
    plate = line["plates"][0]
    assert set(plate) == {
        *("text", "confidence", "characters", "alternatives"),
        *("corners", "localizer", "reader"),
    }
    assert plate["text"] == "".join(item["char"] for item in plate["characters"])
    assert plate["confidence"] == min(item["confidence"] for item in plate["characters"])
    assert len(plate["corners"]) == 4
    (ax, ay), (bx, _), (cx, cy), (dx, dy) = plate["corners"]
    assert ax < bx
    assert dx < cx
    assert ay < dy
    assert 900 < ax < 1100
    assert 450 < ay < 600
    assert cy > ay
    for other in plate["alternatives"]:
        assert set(other) == {"text", "confidence"}


def test_ok__reads_a_plain_plate() -> None:
    (line,) = documents(run(DAY, "--json"))
    assert line["plates"][0]["text"] == "B839HAR"


def test_ok__broken_files_disturb_no_other(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "cut.jpg").write_bytes(DAY.read_bytes()[:2000])
    body = b"IHDR" + struct.pack(">IIBBBBB", 40_000, 40_000, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    end = b"\x00\x00\x00\x00IEND\xaeB\x60\x82"
    (tmp_path / "huge.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk + end)
    files = [
        *(tmp_path / name for name in ("empty.jpg", "text.jpg", "cut.jpg", "huge.png", "gone.jpg")),
        EMPTY_STREET,
    ]
    result = run(*files, "--json")
    assert result.exit_code == 1
    lines = documents(result)
    assert [line["file"] for line in lines] == [str(file) for file in files]
    assert all(set(line) == {"file", "error"} and line["error"] for line in lines[:-1])
    assert "megapixels" in lines[3]["error"]
    assert lines[-1]["plates"] == []


def test_ok__folder_is_walked_in_order(tmp_path: Path) -> None:
    for name in ("c.jpg", "a.jpg", "sub/b.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / name), cv2.imread(str(EMPTY_STREET))[:64, :64])
    lines = documents(run(tmp_path, "--json"))
    names = [str(Path(line["file"]).relative_to(tmp_path)) for line in lines]
    assert names == ["a.jpg", "c.jpg", "sub/b.jpg"]


def test_fail__folder_without_pictures_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no picture")
    result = run(tmp_path, "--json")
    assert result.exit_code == 1
    assert documents(result) == [
        {"file": str(tmp_path), "error": "no pictures found in this folder"}
    ]


def test_ok__lines_for_a_person(tmp_path: Path) -> None:
    result = run(DAY, EMPTY_STREET, tmp_path / "gone.jpg")
    assert result.exit_code == 1
    first, *rest = result.stdout.splitlines()
    assert "B839HAR" in first
    assert "%" in first
    assert rest[-1].endswith("no plate")
    assert "gone.jpg: no such file" in result.stderr


def test_ok__leaves_pictures_where_told(tmp_path: Path) -> None:
    crops, steps, annotated = tmp_path / "crops", tmp_path / "steps", tmp_path / "annotated"
    result = run(DAY, "--crops", crops, "--steps", steps, "--annotate", annotated)
    assert result.exit_code == 0
    (crop,) = crops.glob("*B839HAR*.png")
    taken, text, origin = crop.stem.split("_")
    assert taken[4] == taken[7] == "-"
    assert (text, origin) == ("B839HAR", DAY.stem)
    shown = cv2.imread(str(annotated / f"{DAY.stem}.jpg"))
    assert shown.shape == cv2.imread(str(DAY)).shape
    names = {file.name for file in (steps / DAY.stem).iterdir()}
    for stage in ("detector-input", "proposed", "localized", "rectified", "binarized"):
        assert any(stage in name for name in names), stage


def test_ok__equal_names_overwrite_nothing(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        shutil.copy(DAY, tmp_path / folder / "a.jpg")
    run(tmp_path / "one", tmp_path / "two", "--annotate", tmp_path / "out")
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["a-2.jpg", "a.jpg"]


def test_fail__folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = run(DAY, EMPTY_STREET, "--json", "--crops", tmp_path / "file" / "crops")
    assert result.exit_code == 1
    assert len(documents(result)) == 2
    assert "cannot be written" in result.stderr


@pytest.mark.parametrize("arguments", [[], ["--what"], [str(DAY), "--crops"]])
def test_fail__wrong_usage(arguments: list[str]) -> None:
    assert run(*arguments).exit_code == 2


def test_ok__closed_pipe_is_no_failure_to_talk_about() -> None:
    script = "import sys; from plategate.cli import main; sys.argv[0] = 'plategate'; main()"
    command = [sys.executable, "-c", script, "read", "--json", *[str(EMPTY_STREET)] * 3]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read().decode()
    assert "Traceback" not in said
    assert "BrokenPipe" not in said


def test_ok__existing_files_are_never_overwritten(tmp_path: Path) -> None:
    photograph = tmp_path / DAY.name
    shutil.copy(DAY, photograph)
    before = photograph.read_bytes()
    for _ in range(2):
        result = run(photograph, "--annotate", tmp_path, "--crops", tmp_path, "--steps", tmp_path)
        assert result.exit_code == 0
        assert photograph.read_bytes() == before
    assert sorted(tmp_path.glob("01-day-1-*.jpg")) == [
        tmp_path / "01-day-1-2.jpg",
        tmp_path / "01-day-1-3.jpg",
    ]


def test_ok__a_link_in_the_output_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / DAY.name).symlink_to(tmp_path / "victim")
    run(DAY, "--annotate", tmp_path / "out")
    assert not (tmp_path / "victim").exists()


def test_ok__a_picture_too_wide_for_jpeg_is_annotated_as_png(tmp_path: Path) -> None:
    wide = np.full((20, 70_000, 3), 90, np.uint8)
    cv2.imwrite(str(tmp_path / "wide.png"), wide)
    result = run(tmp_path / "wide.png", "--annotate", tmp_path / "out")
    assert result.exit_code == 0
    assert cv2.imread(str(tmp_path / "out" / "wide.png")).shape == wide.shape


@pytest.mark.parametrize("name", [b"b\xe9.jpg", b"\xff\xfe", b"b\x1b[31m.jpg"])
def test_ok__a_file_name_of_any_bytes_stops_nothing(tmp_path: Path, name: bytes) -> None:
    files = [os.fsencode(tmp_path) + b"/" + each for each in (b"a.jpg", name, b"z.jpg")]
    for file in files:
        shutil.copy(DAY, file)
    command = [sys.executable, "-m", "plategate", "read", *files]
    environment = os.environ | {"LC_ALL": "C.UTF-8", "PYTHONUTF8": "0"}
    lines = subprocess.run(command, capture_output=True, check=True, env=environment)
    assert len(lines.stdout.splitlines()) == 3
    assert b"\x1b" not in lines.stdout
    done = subprocess.run([*command, "--json"], capture_output=True, check=True, env=environment)
    named = [os.fsencode(json.loads(line)["file"]) for line in done.stdout.splitlines()]
    assert named == files


def test_ok__steps_show_the_localizer_that_found_the_plate(tmp_path: Path) -> None:
    run(DAY, "--steps", tmp_path / "tflite")
    shown = {file.name for file in (tmp_path / "tflite" / DAY.stem).glob("still-*")}
    assert shown == {
        "still-1-detector-input.png",
        "still-2-proposed.png",
        "still-3-localized.png",
    }
    settings = tmp_path / "settings.toml"
    settings.write_text('[vision]\nlocalizer = "contour"\n')
    run(DAY, "--steps", tmp_path / "contour", "--config", settings)
    assert (tmp_path / "contour" / DAY.stem / "still-7-candidates.png").exists()


def test_fail__an_unsupported_picture_in_a_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "IMG_1.HEIC").write_bytes(b"\x00\x00\x00\x18ftypheic" + bytes(200))
    shutil.copy(DAY, tmp_path / "b.jfif")
    result = run(tmp_path, "--json")
    assert result.exit_code == 1
    heic, jfif = documents(result)
    assert heic["error"] == "HEIC pictures are not supported: save it as JPEG or PNG"
    assert jfif["plates"]


def test_ok__lettering_is_said_not_to_be_a_plate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = tmp_path / "models"
    shutil.copytree(MODELS, models, ignore=shutil.ignore_patterns("training"))
    weights = models / "lettering.toml"
    weights.write_text(re.sub(r"\noffset = .*\n", "\noffset = -99\n", weights.read_text()))
    config = tmp_path / "settings.toml"
    config.write_text(f'[vision]\nmodels_dir = "{models}"\n')
    monkeypatch.setenv("PLATEGATE_CONFIG", str(config))
    (line,) = documents(run(DAY, "--json"))
    assert line["plates"] == []
    assert [found["text"] for found in line["lettering"]] == ["B839HAR"]
    first, second = run(DAY).stdout.splitlines()
    assert first.endswith("no plate")
    assert "B839HAR" in second and second.endswith("not a plate")
