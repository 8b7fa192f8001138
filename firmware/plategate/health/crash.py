# SPDX-License-Identifier: Apache-2.0
"""Write a crash report for each unhandled exception and each fatal signal.

When systemd ends a hung process with SIGABRT, the report has the stack of every thread. Reports
hold code lines and messages, never pictures or local variables.
"""

from __future__ import annotations

import contextlib
import faulthandler
import logging
import os
import sys
import threading
import traceback
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from types import TracebackType

from plategate.clock import SystemClock

log = logging.getLogger(__name__)

RUNNING = ".running"


def keep_crash_reports(folder: Path, most: int, after: Callable[[], None] | None = None) -> None:
    """Write a report for each unhandled exception and each fatal signal from now on.

    At most `most` reports are kept. `after` is called when a thread has died of an exception, so
    that the process can shut down. Without a usable folder there are no reports; that is logged.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        _keep_last_fault(folder)
        _remove_oldest(folder, most)
        name = f"{SystemClock().wall():%Y%m%dT%H%M%S}-{os.getpid()}.txt{RUNNING}"
        # Open for the life of the process: the signal handler writes to it.
        faulthandler.enable(file=(folder / name).open("w"), all_threads=True)
    except OSError as error:
        log.error("no crash reports: %s: %s", folder, error.strerror)
        return

    def of_program(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if not issubclass(kind, KeyboardInterrupt):
            _write(folder, "main", kind, error, trace)
        sys.__excepthook__(kind, error, trace)

    def of_thread(crash: threading.ExceptHookArgs) -> None:
        name = crash.thread.name if crash.thread else "unknown"
        if not issubclass(crash.exc_type, SystemExit):
            log.critical("thread %s died: %s: %s", name, crash.exc_type.__name__, crash.exc_value)
            _write(folder, name, crash.exc_type, crash.exc_value, crash.exc_traceback)
            if after is not None:
                after()

    sys.excepthook = of_program
    threading.excepthook = of_thread


def crash_reports(folder: Path) -> list[Path]:
    """The crash reports, newest first; PermissionError where the folder may not be read."""
    # Not by glob, which from Python 3.13 on takes a folder that may not be read for an empty one.
    try:
        files = list(folder.iterdir())
    except FileNotFoundError:
        return []
    return sorted((file for file in files if file.match("crash-*.txt")), reverse=True)


def _write(
    folder: Path,
    thread: str,
    kind: type[BaseException],
    error: BaseException | None,
    trace: TracebackType | None,
) -> None:
    at = SystemClock().wall()
    file = folder / f"crash-{at:%Y%m%dT%H%M%S}-{os.getpid()}-{thread}.txt"
    text = f"plategate {version('plategate')}, thread {thread}, {at.isoformat()}\n\n"
    text += "".join(traceback.format_exception(kind, error, trace))
    with contextlib.suppress(OSError):
        file.write_text(text, encoding="utf-8")


def _keep_last_fault(folder: Path) -> None:
    """Keep what the previous process wrote at a fatal signal; remove a file that is empty."""
    for file in folder.glob(f"*{RUNNING}"):
        text = file.read_text(encoding="utf-8", errors="replace")
        if text:
            report = folder / f"crash-{file.name.removesuffix(RUNNING)}"
            report.write_text(
                f"plategate {version('plategate')}, fatal end\n\n{text}", encoding="utf-8"
            )
        file.unlink()


def _remove_oldest(folder: Path, most: int) -> None:
    for file in crash_reports(folder)[most:]:
        file.unlink()
