# SPDX-License-Identifier: Apache-2.0
"""A test that is skipped without being listed, or in another number, fails the run."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest

CONFTEST = Path(__file__).resolve().parents[1] / "conftest.py"
LISTED = """
[[skip]]
reason = "root may read everything"
user = "root"
tests = 1
why = "as in the real list"
"""
TESTS = """
import pytest
@pytest.mark.skipif({root}, reason="root may read everything")
def test_one(): pass
@pytest.mark.skipif({other}, reason="fonts are not installed")
def test_other(): pass
"""

NEEDS_ROOT = """
[[skip]]
reason = "needs root"
user = "other"
tests = 2
why = "as in the real list"
"""
NEED_ROOT = """
@pytest.mark.skipif(False, reason="needs root")
@pytest.mark.parametrize("number", range({tests}))
def test_root(number): pass
"""


def run(
    folder: Path, strict: str, *args: str, root: bool, other: bool, listed: str = "", more: str = ""
) -> int:
    (folder / "tests").mkdir()
    for name in ("conftest.py", "log_guard.py"):
        (folder / "tests" / name).write_text(CONFTEST.with_name(name).read_text())
    (folder / "tests" / "skips.toml").write_text(LISTED + listed)
    (folder / "tests" / "test_it.py").write_text(TESTS.format(root=root, other=other) + more)
    (folder / "pytest.ini").write_text("[pytest]\ntestpaths = tests\n")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *args],
        cwd=folder,
        env={**os.environ, "STRICT_SKIPS": strict},
        capture_output=True,
        check=False,
    ).returncode


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_ok__listed_skip_passes(tmp_path: Path) -> None:
    assert run(tmp_path, "1", root=True, other=False) == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize(("tests", "status"), [(1, 1), (2, 0), (3, 1)])
def test_fail__root_sees_what_another_user_would_skip(
    tmp_path: Path, tests: int, status: int
) -> None:
    more = NEED_ROOT.format(tests=tests)
    assert run(tmp_path, "1", root=True, other=False, listed=NEEDS_ROOT, more=more) == status


@pytest.mark.parametrize("root", [True, False])
def test_fail__unlisted_skip(tmp_path: Path, root: bool) -> None:
    assert run(tmp_path, "1", root=root, other=True) == 1


def test_ok__skips_are_free_for_a_developer(tmp_path: Path) -> None:
    assert run(tmp_path, "", root=True, other=True) == 0


def test_fail__another_number(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.conftest import skip_faults

    table = tomllib.loads(CONFTEST.with_name("skips.toml").read_text(encoding="utf-8"))
    listed = Counter(
        {one["reason"]: one["tests"] for one in table["skip"] if one["user"] == "root"}
    )
    once = Counter({"root may read everything": 1})
    assert skip_faults(listed, "root") == []
    assert "2 skipped, 1 listed" in skip_faults(listed + once, "root")[0]
    assert "0 skipped, 1 listed" in skip_faults(listed - once, "root")[0]
