# SPDX-License-Identifier: Apache-2.0
"""Checks of the gate's data and operation: lists, journal, disk, units, the running gate."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta

from plategate.clock import SystemClock
from plategate.doctor.results import (
    CheckResult,
    Machine,
    RunningGate,
    amber,
    green,
    red,
    run_checks,
)
from plategate.errors import StoreError
from plategate.settings import Settings
from plategate.storage import StorageFault, fault_of

OLD_LIST = timedelta(days=2)
RECENT_CRASH = timedelta(days=7)
GATE, TIMER = "plategate-gate.service", "plategate-sync.timer"
CONSOLE, LIST_SOCKET = "plategate-console.service", "plategate-lists.socket"


def state(settings: Settings, machine: Machine, gate: RunningGate) -> Iterator[CheckResult]:
    """Run all checks of this file."""
    checks: dict[str, Callable[[], CheckResult]] = {
        "lists": lambda: _lists(settings),
        "journal": lambda: _journal(settings),
        "disk": lambda: _disk(settings, gate),
        "crashes": lambda: _crashes(settings),
        "service": lambda: _service(machine),
    }
    if machine.unit(CONSOLE, "UnitFileState").get("UnitFileState") == "enabled":
        checks["list service"] = lambda: _list_service(machine)
    if settings.sync.sources:
        checks["sync"] = lambda: _sync(settings, machine)
    checks["gate"] = lambda: _gate(gate)
    return run_checks(checks)


def _lists(settings: Settings) -> CheckResult:
    from plategate.access.occupancy import groups_without_entries, quotas_of
    from plategate.access.store.database import open_for_reading
    from plategate.access.store.history import was_checked
    from plategate.access.store.lists import ListName, list_state

    try:
        with closing(open_for_reading(settings.access.file)) as connection:
            allow = list_state(connection, ListName.ALLOW)
            checked = allow is None or was_checked(connection, allow)
            unused = groups_without_entries(connection, quotas_of(settings.access))
    except (StoreError, sqlite3.Error) as error:
        return amber("lists", f"{error}; no plate is let in", "plategate list import FILE")
    if allow is None or allow.entries == 0:
        return amber(
            "lists", "the allow list is empty: no plate is let in", "plategate list import FILE"
        )
    age = SystemClock().wall() - allow.confirmed_at
    sentence = f"{allow.entries} plates, generation {allow.generation}, {_age(age)} old"
    if settings.sync.sources and age > OLD_LIST:
        return amber("lists", f"{sentence}: no source has been reached", "plategate list sync")
    if not checked:
        sentence += ": an older version, which checked plates less strictly, imported them"
        return amber("lists", sentence, "import the list again; plategate list check")
    if unused:
        sentence += (
            f"; access.groups limits nobody, as no entry is of the group: {', '.join(unused)}"
        )
        return amber("lists", sentence, "write the names as in the column `group` of the list")
    return green("lists", sentence)


def _journal(settings: Settings) -> CheckResult:
    from plategate.journal.database import FILE_NAME
    from plategate.journal.reader import JournalReader
    from plategate.journal.retention import evidence_bytes

    file = settings.journal.dir / FILE_NAME
    if not file.exists():
        return green("journal", "none yet; it is created with the first passage")
    newest = "SELECT count(*), max(triggered_at) FROM passages WHERE id IS NOT NULL"
    damaged = "restart the gate: it sets the damaged file aside and rebuilds it"
    try:
        with closing(JournalReader(settings.journal.dir)) as journal:
            (found,) = journal.read(lambda file: file.execute("PRAGMA quick_check(1)").fetchone())
            count, last = journal.read(lambda file: file.execute(newest).fetchone())
            pictures = journal.read(evidence_bytes)
            under_way = len(journal.unfinished_grants())
    except StoreError as error:
        if fault_of(error) is StorageFault.DAMAGED:
            return red("journal", str(error), damaged)
        return amber("journal", str(error), "sudo plategate doctor")
    if found != "ok":
        return red(
            "journal",
            f"{file}: {found}",
            "restart the gate: it sets the damaged file aside and rebuilds it",
        )
    when = f"{datetime.fromisoformat(last).astimezone():%Y-%m-%d %H:%M}" if last else "never"
    sentence = f"{count} passages, the last {when}, {pictures / 1e6:.0f} MB of pictures"
    return green("journal", sentence + (f", {under_way} in progress" if under_way else ""))


def _disk(settings: Settings, gate: RunningGate) -> CheckResult:
    folder = settings.journal.dir
    try:
        free_mb = shutil.disk_usage(folder).free / 1e6
    except OSError as error:
        return red(
            "disk", f"{folder}: {error.strerror}", "sudo ./setup.sh install creates the folder"
        )
    if gate.status is None and not os.access(folder, os.W_OK):
        return red(
            "disk",
            f"{folder} cannot be written",
            "run doctor as root; if it stays, the card is read-only",
        )
    if free_mb < settings.journal.min_free_mb:
        return amber(
            "disk",
            f"{free_mb:.0f} MB free: no pictures are stored",
            "lower journal.evidence_max_mb",
        )
    return green("disk", f"{free_mb / 1000:.1f} GB free for {folder}")


def _crashes(settings: Settings) -> CheckResult:
    from plategate.health.crash import crash_reports

    now_s = SystemClock().wall().timestamp()
    recent = [
        file
        for file in crash_reports(settings.health.crash_dir)
        if now_s - file.stat().st_mtime < RECENT_CRASH.total_seconds()
    ]
    if recent:
        return amber(
            "crashes",
            f"{len(recent)} in the last week, the last {recent[0]}",
            "read and report them",
        )
    return green("crashes", "none in the last week")


def _service(machine: Machine) -> CheckResult:
    shown = machine.unit(GATE, "LoadState", "ActiveState", "UnitFileState", "NRestarts")
    if not shown:
        return amber(
            "service", "systemd does not respond here", "nothing to do unless this is the gate"
        )
    if shown.get("LoadState") != "loaded":
        return amber("service", f"{GATE} is not installed", "sudo ./setup.sh install")
    if shown.get("UnitFileState") != "enabled":
        return red("service", f"{GATE} does not start at boot", f"sudo systemctl enable {GATE}")
    if shown.get("ActiveState") != "active":
        return red(
            "service", f"{GATE} is {shown.get('ActiveState')}", f"journalctl -u {GATE} -n 50"
        )
    restarts = shown.get("NRestarts", "0")
    return green("service", f"{GATE} is running, restarted {restarts} times since boot")


def _list_service(machine: Machine) -> CheckResult:
    found = machine.unit(LIST_SOCKET, "ActiveState").get("ActiveState")
    if found != "active":
        return red(
            "list service",
            f"{LIST_SOCKET} is {found}: the console cannot change the lists",
            f"sudo systemctl enable --now {LIST_SOCKET}",
        )
    return green("list service", "the console can change the lists")


def _sync(settings: Settings, machine: Machine) -> CheckResult:
    shown = machine.unit(TIMER, "ActiveState")
    if not shown:
        return amber(
            "sync", "systemd does not respond here", "nothing to do unless this is the gate"
        )
    if (found := shown.get("ActiveState")) != "active":
        return red("sync", f"{TIMER} is {found}", f"sudo systemctl enable --now {TIMER}")
    return green("sync", f"{len(settings.sync.sources)} sources, {TIMER} is running")


def _gate(gate: RunningGate) -> CheckResult:
    if (status := gate.status) is None:
        return amber("gate", gate.reason, "sudo systemctl restart plategate-gate; plategate status")
    failures = [f"{failure['name']}: {failure['sentence']}" for failure in status["failures"]]
    if failures:
        return red("gate", "; ".join(failures), "plategate status shows since when")
    if gate.other_settings is not None:
        return amber("gate", gate.other_settings, "correct the settings, then reload the gate")
    if (new := gate.part("new_settings")) is not None:
        sentence = f"new settings are pending ({new['waits_for']}): {', '.join(new['keys'])}"
        return amber("gate", sentence, "they are applied between two vehicles")
    return green("gate", f"ready after {status['start_s']} s, no failures")


def _age(age: timedelta) -> str:
    hours = age.total_seconds() / 3600
    return f"{hours / 24:.0f} days" if hours >= 48 else f"{hours:.0f} h"
