# SPDX-License-Identifier: Apache-2.0
"""The root command prints its version, and wrong usage ends with exit status 2."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from plategate.cli import app


def test_ok__version() -> None:
    answer = CliRunner().invoke(app, ["--version"])
    assert (answer.exit_code, answer.stdout) == (0, f"plategate {version('plategate')}\n")


@pytest.mark.parametrize("words", [["nonsense"], ["status", "--nonsense"], ["read"]])
def test_fail__wrong_usage(words: list[str]) -> None:
    assert CliRunner().invoke(app, words).exit_code == 2


@pytest.mark.parametrize(
    "words", [["--version"], ["--help"], ["journal"], ["check-config", "settings.toml"]]
)
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_fail__output_that_cannot_be_written_is_one_sentence(
    tmp_path: Path, words: list[str], unbuffered: str
) -> None:
    (tmp_path / "settings.toml").write_text("#\n")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "plategate", *words],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False, cwd=tmp_path,
            env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
        )  # fmt: skip
    assert done.stderr.splitlines()[-1:] == [
        "plategate: standard output cannot be written: No space left on device"
    ]
    assert "Traceback" not in done.stderr
    assert "ignored" not in done.stderr
    assert done.returncode != 0


def test_ok__output_that_nobody_reads_ends_quietly(tmp_path: Path) -> None:
    command = f"{sys.executable} -m plategate --help | true"
    done = subprocess.run(
        ["sh", "-c", command], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.stderr == ""
