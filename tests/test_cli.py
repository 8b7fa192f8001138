# SPDX-License-Identifier: Apache-2.0
"""The root command prints its version, and wrong usage ends with exit status 2."""

from __future__ import annotations

from importlib.metadata import version

import pytest
from typer.testing import CliRunner

from plategate.cli import app


def test_ok__version() -> None:
    answer = CliRunner().invoke(app, ["--version"])
    assert (answer.exit_code, answer.stdout) == (0, f"plategate {version('plategate')}\n")


@pytest.mark.parametrize("words", [["nonsense"], ["status", "--nonsense"], ["read"]])
def test_fail__wrong_usage(words: list[str]) -> None:
    assert CliRunner().invoke(app, words).exit_code == 2
