# SPDX-License-Identifier: Apache-2.0
"""`plategate run --rehearse` on pictures and scenarios, as called from a shell.

Uses the real pipeline on one picture of tests/data.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
DEMO = ROOT / "tests" / "data" / "demo"
PLATEGATE = [sys.executable, "-c", "from plategate.cli import main; main()"]


def plategate(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PLATEGATE, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
        env={**os.environ, **environment},
    )


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """A folder with one listed vehicle and its list."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    shutil.copy(DEMO / "06-night-5.jpg", folder)
    (folder / "allow.csv").write_text("plate,holder\nB 96 TRH,Caretaker\n", encoding="utf-8")
    return folder


def test_ok__a_rehearsal_writes_crops_and_annotated_pictures(pictures, tmp_path):
    out = tmp_path / "out"
    done = plategate("run", "--rehearse", pictures, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "B96TRH" in done.stdout
    assert "granted: allowed" in done.stdout
    assert "opened (relay 2" in done.stdout
    assert "1 vehicles, opened for 1." in done.stdout
    assert str(out) in done.stdout
    assert [path.suffix for path in (out / "crops").iterdir()] == [".png"]
    assert [path.suffix for path in (out / "annotated").iterdir()] == [".jpg"]


def test_ok__without_out_a_rehearsal_leaves_nothing_behind(pictures, tmp_path):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    done = plategate("run", "--rehearse", pictures, TMPDIR=str(temporary))
    assert done.returncode == 0, done.stderr
    assert "--out DIR keeps crops" in done.stdout
    assert list(temporary.iterdir()) == []
    assert sorted(path.name for path in pictures.iterdir()) == ["06-night-5.jpg", "allow.csv"]


def test_ok__the_table_says_that_its_times_are_sums_over_stills(pictures):
    done = plategate("run", "--rehearse", pictures)
    assert "wall time in ms per vehicle, summed over its stills" in done.stdout
    header = next(line for line in done.stdout.splitlines() if "holder or owner" in line)
    row = next(line for line in done.stdout.splitlines() if "B96TRH" in line)
    columns = [cell.strip() for cell in re.split("[┃|]", header)]
    assert re.split("[│|]", row)[columns.index("stills")].strip() == "2"


def test_ok__a_file_name_that_is_not_utf8_is_rehearsed_like_any_other(pictures, tmp_path):
    name = Path(os.fsdecode(os.fsencode(pictures) + b"/b\xe9.jpg"))
    (pictures / "06-night-5.jpg").rename(name)
    done = plategate("run", "--rehearse", pictures, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert "1 vehicles, opened for 1." in done.stdout
    assert len(list((tmp_path / "out" / "crops").iterdir())) == 1


def test_ok__lists_can_be_given(pictures, tmp_path):
    wanted = tmp_path / "wanted.csv"
    wanted.write_text("plate\nB 96 TRH\n", encoding="utf-8")
    done = plategate("run", "--rehearse", pictures, "--lists", wanted, "--out", tmp_path / "[/out]")
    assert done.returncode == 0, done.stderr
    assert "refused: wanted" in done.stdout
    assert "[/out]" in done.stdout


def test_ok__ctrl_c_ends_the_rehearsal_in_order(pictures, tmp_path):
    process = subprocess.Popen(
        [*PLATEGATE, "run", "--rehearse", str(pictures), "--out", str(tmp_path / "out")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not list((tmp_path / "out").glob("state-*/journal.sqlite")):
        time.sleep(0.02)
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=300)
    assert process.returncode in (0, 130)
    assert "Traceback" not in output + errors


def test_ok__a_scenario_prints_its_steps():
    done = plategate("run", "--rehearse", ROOT / "tests" / "scenarios" / "01-resident.toml")
    assert done.returncode == 0, done.stderr
    assert "All expectations met." in done.stdout


def test_fail__an_unmet_expectation_is_exit_status_1(tmp_path):
    text = (ROOT / "tests" / "scenarios" / "01-resident.toml").read_text(encoding="utf-8")
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(text.replace("openings = 1", "openings = 7"), encoding="utf-8")
    done = plategate("run", "--rehearse", wrong)
    assert done.returncode == 1
    assert "openings are 1, not 7" in done.stdout


def test_fail__a_rehearsal_without_a_readable_picture_is_exit_status_1(tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "torn.jpg").write_bytes((DEMO / "06-night-5.jpg").read_bytes()[:200])
    done = plategate("run", "--rehearse", folder, "--out", tmp_path / "out")
    assert done.returncode == 1
    assert "No picture went through the pipeline." in done.stdout


def test_fail__an_unusable_out_folder_is_a_usage_error(pictures, tmp_path):
    (tmp_path / "file").write_text("")
    done = plategate("run", "--rehearse", pictures, "--out", tmp_path / "file")
    assert done.returncode == 2
    assert "--out" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("what", ["missing", "empty"])
def test_fail__nothing_to_rehearse_is_a_usage_error(tmp_path, what):
    folder = tmp_path / what
    if what == "empty":
        folder.mkdir()
    assert plategate("run", "--rehearse", folder).returncode == 2
