# SPDX-License-Identifier: Apache-2.0
"""Fixtures that several areas of the tests use, and the check of skipped tests.

With STRICT_SKIPS=1, as `./setup.sh test` sets it, a run of all tests fails when a test is skipped
that tests/skips.toml does not list, or when another number of them is skipped.
"""

from __future__ import annotations

import os
import resource
import signal
import tempfile
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ["tests.log_guard"]

# The build server draws the same examples in every run; by hand each run draws new ones.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")


FullDisk = Callable[[int], AbstractContextManager[None]]


@pytest.fixture
def full_disk() -> FullDisk:
    """`with full_disk(BYTES)`: no file grows beyond that size, which stands for a full disk."""

    @contextmanager
    def limited(size: int) -> Iterator[None]:
        ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            signal.signal(signal.SIGXFSZ, ignored)

    return limited


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """An empty folder that every user may read; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory(prefix="plategate-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def skip_faults(skipped: Counter[str], user: str) -> list[str]:
    """What differs between the skipped tests, counted by reason, and tests/skips.toml."""
    table = tomllib.loads((Path(__file__).parent / "skips.toml").read_text(encoding="utf-8"))
    listed = {entry["reason"]: entry["tests"] for entry in table["skip"] if entry["user"] == user}
    return [
        f"{skipped[reason]} skipped, {listed.get(reason, 0)} listed in tests/skips.toml: {reason}"
        for reason in sorted(skipped.keys() | listed.keys())
        if skipped[reason] != listed.get(reason, 0)
    ]


def as_other_user(items: Sequence[pytest.Item]) -> list[str]:
    """What would differ from tests/skips.toml if these tests, run by root, were run by another."""
    table = tomllib.loads((Path(__file__).parent / "skips.toml").read_text(encoding="utf-8"))
    listed = {one["reason"]: one["tests"] for one in table["skip"] if one["user"] == "other"}
    # The others lack something that is the same for both users.
    needs_root = listed.keys() - {one["reason"] for one in table["skip"] if one["user"] == "root"}
    marked = Counter(
        str(mark.kwargs["reason"]) for item in items for mark in item.iter_markers("skipif")
    )
    return [
        f"{marked[reason]} tests need root, {listed[reason]} listed in tests/skips.toml: {reason}"
        for reason in sorted(needs_root)
        if marked[reason] != listed[reason]
    ]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a strict run of all tests that skipped something else than listed."""
    if not os.environ.get("STRICT_SKIPS") or session.config.args_source.name == "ARGS":
        return
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped: Counter[str] = Counter()
    for report in reporter.stats.get("skipped", []) if reporter else []:
        skipped[str(report.longrepr[-1]).removeprefix("Skipped: ")] += 1
    root = os.geteuid() == 0
    faults = skip_faults(skipped, "root" if root else "other")
    faults += as_other_user(session.items) if root else []
    if faults and reporter:
        reporter.write_line("")
        for fault in faults:
            reporter.write_line(f"tests/conftest.py: {fault}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
