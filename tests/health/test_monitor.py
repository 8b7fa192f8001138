# SPDX-License-Identifier: Apache-2.0
"""Failures are logged once, a hung thread stops the watchdog, a crash leaves a report."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import textwrap
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from plategate.health.crash import crash_reports
from plategate.health.monitor import Health


class HandClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.set_by = timedelta(0)

    def monotonic(self) -> float:
        return self.now_s

    def wall(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.now_s) + self.set_by


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def notified() -> list[str]:
    return []


@pytest.fixture
def health(clock: HandClock, notified: list[str]) -> Health:
    health = Health(clock, notified.append, watchdog_s=8.0)
    health.watch("main", 2.0)
    health.watch("camera", 4.0)
    return health


def test_ok__failure_is_logged_when_it_comes_and_when_it_goes(
    health: Health, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for second in range(5):
        clock.now_s += 1
        health.set_failure("camera_failed", f"no frame for {second} s")
    health.set_failure("camera_failed", None)
    health.set_failure("camera_failed", None)
    assert [record.getMessage() for record in caplog.records] == [
        "camera_failed: no frame for 0 s",
        "camera_failed: recovered after 4 s",
    ]


def test_ok__failure_keeps_its_age_and_its_latest_sentence(
    health: Health, clock: HandClock
) -> None:
    health.failing("disk_full", "10 MB left")
    clock.now_s += 60
    health.failing("disk_full", "2 MB left")
    (failure,) = health.status()["failures"]
    assert (failure["sentence"], failure["lasted_s"]) == ("2 MB left", 60.0)
    health.recovered("disk_full")
    status = health.status()
    assert status["failures"] == []
    assert status["past_failures"][0]["lasted_s"] == 60.0
    assert status["counts"]["failures.disk_full"] == 1


def test_ok__watchdog_is_fed_while_all_threads_run(
    health: Health, clock: HandClock, notified: list[str]
) -> None:
    health.ready()
    for _ in range(80):
        clock.now_s += 0.1
        health.beat("main")
        health.beat("camera")
        assert health.check()
    assert notified[0] == "READY=1"
    assert notified[1:] == ["WATCHDOG=1"] * 4


@pytest.mark.parametrize("hung", ["main", "camera"])
def test_fail__hung_thread_stops_the_watchdog(
    hung: str, health: Health, clock: HandClock, notified: list[str]
) -> None:
    health.ready()
    for _ in range(100):
        clock.now_s += 0.1
        health.beat("camera" if hung == "main" else "main")
        health.check()
    fed_before = notified.count("WATCHDOG=1")
    for _ in range(100):
        clock.now_s += 0.1
        health.beat("camera" if hung == "main" else "main")
        assert not health.check()
    assert notified.count("WATCHDOG=1") == fed_before
    assert [failure.name for failure in health.failures()] == [f"{hung}_hangs"]


def test_ok__thread_that_runs_again_has_recovered(
    health: Health, clock: HandClock, notified: list[str]
) -> None:
    health.ready()
    clock.now_s += 9
    assert not health.check()
    health.beat("main")
    health.beat("camera")
    assert health.check()
    assert health.failures() == ()
    assert notified[-1] == "WATCHDOG=1"


def test_ok__nothing_is_fed_before_ready(
    health: Health, clock: HandClock, notified: list[str]
) -> None:
    health.check()
    assert notified == []
    health.ready()
    health.ready()
    health.check()
    health.stopping()
    assert notified == ["READY=1", "WATCHDOG=1", "STOPPING=1"]


def test_ok__counts_ages_and_sources_are_in_the_status(health: Health, clock: HandClock) -> None:
    health.count("passages")
    health.add_source("lane", lambda: {"state": "idle"})
    clock.now_s += 30
    health.count("stills", by=3)
    status = health.status()
    assert status["counts"] == {"passages": 1, "stills": 3}
    assert status["ages_s"] == {"passages": 30.0, "stills": 0.0}
    assert status["lane"] == {"state": "idle"}


@pytest.mark.parametrize("days", [330, -330])
def test_ok__ages_do_not_change_when_the_wall_clock_is_set(
    health: Health, clock: HandClock, days: int
) -> None:
    health.count("passages")
    health.failing("camera", "no frame")
    clock.now_s += 10
    clock.set_by = timedelta(days=days)
    status = health.status()
    assert status["ages_s"] == {"passages": 10.0}
    assert status["failures"][0]["lasted_s"] == 10.0


def test_ok__source_that_fails_does_not_hide_the_rest_of_the_status(health: Health) -> None:
    def broken() -> None:
        raise OSError("no such device")

    health.add_source("metres", broken)
    health.add_source("lane", lambda: {"state": "idle"})
    health.failing("camera", "no frame")
    status = health.status()
    assert status["lane"] == {"state": "idle"}
    assert status["unavailable"] == {"metres": "OSError: no such device"}
    assert [failure["name"] for failure in status["failures"]] == ["camera"]
    assert "metres" not in status


def crash(folder: Path, body: str) -> int:
    """Run a program that keeps its crash reports; its exit status."""
    program = "from plategate.health.crash import keep_crash_reports\n"
    program += "import os, signal, sys, threading\nfrom pathlib import Path\n"
    program += "keep_crash_reports(Path(sys.argv[1]), 3, after=lambda: print('ended in order'))\n"
    program += textwrap.dedent(body)
    return subprocess.run(
        [sys.executable, "-c", program, str(folder)], capture_output=True, check=False
    ).returncode


def test_ok__exception_leaves_a_report(tmp_path: Path) -> None:
    crash(tmp_path, "raise ValueError('the reason')")
    (report,) = crash_reports(tmp_path)
    assert "ValueError: the reason" in report.read_text(encoding="utf-8")


def test_ok__dead_thread_leaves_a_report(tmp_path: Path) -> None:
    crash(
        tmp_path,
        """
        def fail():
            raise KeyError('gone')
        thread = threading.Thread(target=fail, name='vision')
        thread.start()
        thread.join()
        """,
    )
    (report,) = crash_reports(tmp_path)
    assert report.name.endswith("-vision.txt")
    assert "KeyError: 'gone'" in report.read_text(encoding="utf-8")


def test_ok__abort_by_the_watchdog_reports_the_stacks(tmp_path: Path) -> None:
    status = crash(
        tmp_path,
        """
        def hangs_in_here():
            os.kill(os.getpid(), signal.SIGABRT)
        hangs_in_here()
        """,
    )
    assert status == -signal.SIGABRT
    crash(tmp_path, "pass")
    (report,) = crash_reports(tmp_path)
    assert "hangs_in_here" in report.read_text(encoding="utf-8")


def test_ok__normal_ends_leave_nothing_and_reports_are_bounded(tmp_path: Path) -> None:
    for number in range(9):
        (tmp_path / f"crash-2020010{number}T000000-1.txt").write_text("old", encoding="utf-8")
    crash(tmp_path, "pass")
    crash(tmp_path, "pass")
    assert [file.name[6:14] for file in crash_reports(tmp_path)] == [
        "20200108",
        "20200107",
        "20200106",
    ]


def test_ok__folder_that_cannot_be_used_is_no_failure(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert crash(tmp_path / "file", "sys.exit(5)") == 5
    assert [file.name for file in tmp_path.iterdir()] == ["file"]
