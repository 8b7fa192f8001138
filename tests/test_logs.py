# SPDX-License-Identifier: Apache-2.0
"""Log lines carry the priority that journald reads, on every line of theirs."""

from __future__ import annotations

import subprocess
import sys

import pytest

CODE = """
import logging
from plategate.logs import log_to_stderr
log_to_stderr()
logging.getLogger("plategate.x").warning("first\\nsecond")
logging.getLogger("httpx").info("not this")
"""


@pytest.mark.parametrize(
    ("journal", "expected"),
    [
        ("8:1", ["<4>plategate.x: first", "<4>second"]),
        ("", ["WARNING plategate.x: first", "second"]),
    ],
)
def test_ok__lines_for_journald_and_for_people(journal: str, expected: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=True,
        env={"JOURNAL_STREAM": journal},
    )  # fmt: skip
    lines = done.stderr.splitlines()
    assert len(lines) == 2
    assert all(line.endswith(end) for line, end in zip(lines, expected, strict=True))
