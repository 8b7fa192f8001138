# SPDX-License-Identifier: Apache-2.0
"""The benchmark counts correctly, and names what it cannot use in a folder."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DEMO = ROOT / "tests/data/demo"
HEAD = "set,image,x0,y0,x1,y1,text"


def benchmark(
    folder: Path, *more: str, script: str = "benchmark"
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "scripts" / script, folder, *more],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


def labelled(folder: Path, *lines: str) -> Path:
    (folder / "plates.csv").write_text("\n".join([HEAD, *lines]) + "\n")
    return folder


def demo_line(number: int, group: str, text: str | None = None) -> str:
    """A line of plates.csv for a picture of the demo; with another text the label is wrong."""
    picture = tomllib.loads((DEMO / "expected.toml").read_text())["picture"][number]
    box = ",".join(str(side) for side in picture["box"])
    return f"{group},{DEMO / picture['file']},{box},{text or picture['text']}"


def test_ok__found_and_read_plates_are_counted_by_set_and_by_width(tmp_path: Path) -> None:
    lines = [demo_line(0, "one"), demo_line(2, "two"), demo_line(3, "two", text="NOT1IT")]
    done = benchmark(labelled(tmp_path, *lines), "--errors", str(tmp_path / "wrong.jsonl"))
    assert done.returncode == 0, done.stderr
    assert "| one | 1 | 1 | 100.0 |" in done.stdout
    table = [line.split(" | ") for line in done.stdout.splitlines() if line.startswith("| ")]
    exact = {cells[0].strip("| "): cells[5] for cells in table[1:]}
    assert exact == {"one": "100.0", "two": "50.0", "all": "66.7"}
    assert "96 to 159 px 0 of 1, from 160 px 2 of 2." in done.stdout
    (wrong,) = (tmp_path / "wrong.jsonl").read_text().splitlines()
    assert "NOT1IT" in wrong


def test_ok__every_policy_reads_with_all_its_readers(tmp_path: Path) -> None:
    lines = [demo_line(0, "one"), demo_line(2, "one")]
    done = benchmark(labelled(tmp_path, *lines), "--policy", "shipped", script="attempt_gains")
    assert done.returncode == 0, done.stderr
    assert "working without" not in done.stderr
    assert "| shipped | 2 | 0 | 0 |" in done.stdout


@pytest.mark.parametrize(
    ("lines", "more", "said"),
    [
        ([], [], "has no plate of split any, set any"),
        ([f"one,{DEMO}/01-day-1.jpg,1,2,3,4,AB1"], ["--set", "two"], "of split any, set two"),
        (["one,a.jpg,1,2,wide,4,AB1"], [], "plates.csv, line 2: x1 is 'wide', not a number"),
        (["one,a.jpg,1,2"], [], "plates.csv, line 2: x1 is None, not a number"),
        (["one,gone.jpg,1,2,3,4,AB1"], [], "gone.jpg"),
    ],
)
def test_fail__what_cannot_be_used_is_named(
    lines: list[str], more: list[str], said: str, tmp_path: Path
) -> None:
    done = benchmark(labelled(tmp_path, *lines), *more)
    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_fail__a_folder_without_labels_or_columns_is_named(tmp_path: Path) -> None:
    done = benchmark(tmp_path)
    assert done.returncode != 0
    assert f"{tmp_path}/plates.csv cannot be read" in done.stderr
    (tmp_path / "plates.csv").write_text("set,picture,x0,y0,x1,y1\n")
    assert "there is no column image, text" in benchmark(tmp_path).stderr


OUTSIDE = """
import json, sys
for line in sys.stdin:
    plates = [{"text": "NOT1IT", "confidence": 1.0, "box": [0, 0, 5000, 5000]}, BOX]
    print(json.dumps({"file": line.strip(), "plates": plates[1:], "cpu_ms": 20.0, "rss_mb": 64}))
    sys.stdout.flush()
"""


def test_ok__an_outside_reader_is_counted_on_the_same_plates(tmp_path: Path) -> None:
    picture = tomllib.loads((DEMO / "expected.toml").read_text())["picture"][0]
    answer = {"text": picture["text"], "confidence": 1.0, "box": picture["box"]}
    reader = tmp_path / "reader.py"
    reader.write_text(OUTSIDE.replace("BOX", repr(answer)))
    folder = labelled(tmp_path, demo_line(0, "one"), demo_line(2, "two", text="NOT1IT"))
    done = benchmark(folder, "--beside", f"{sys.executable} {reader}")
    assert done.returncode == 0, done.stderr
    rows = {
        line.split(" | ")[0].strip("| "): line.split(" | ") for line in done.stdout.splitlines()
    }
    assert rows["Plategate"][1:5] == ["2", "1", "1", "0"]
    assert rows["the other reader"][1:9] == ["2", "1", "0", "1", "20.0", "20.0", "20.0", "64 |"]


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("no-such-reader --x", "cannot be started"),
        ("true", "ended with 0"),
        ("yes", "not an answer: 'y"),
    ],
)
def test_fail__an_outside_reader_that_does_not_answer_is_named(
    command: str, said: str, tmp_path: Path
) -> None:
    done = benchmark(labelled(tmp_path, demo_line(0, "one")), "--beside", command)
    assert done.returncode != 0
    assert f"--beside {command!r}" in done.stderr and said in done.stderr
    assert "Traceback" not in done.stderr
