# SPDX-License-Identifier: Apache-2.0
"""Bring lists and records up to date from all their sources, each whole or not at all.

Every source keeps its last good copy, so one that is down, forged or malformed holds nothing else
up. Works on no network for as long as need be: the lists in force stay, and their age is known.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast
from zoneinfo import ZoneInfo

from plategate.access.store.changes import ListChange, confirm_list, replace_list
from plategate.access.store.lists import ListName, list_state
from plategate.access.store.repair import change_store
from plategate.access.store.vehicles import has_records, replace_records
from plategate.access.sync.source import (
    Outcome,
    SourceResult,
    Terms,
    acceptable,
    entries_in,
    refresh,
)
from plategate.access.sync.source_state import SourceFolder
from plategate.errors import GateError
from plategate.settings.sync import SyncSettings, SyncSource
from plategate.values import ListEntry, VehicleRecord

logger = logging.getLogger(__name__)

# Called with the name of a source, the bytes received so far, and the announced size or None.
SourceProgress = Callable[[str, int, int | None], None]


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What one run did: a result for every source, a change for every list that was replaced."""

    results: tuple[SourceResult, ...]
    changes: tuple[ListChange, ...]
    records: int | None
    failures: tuple[str, ...]

    @property
    def all_well(self) -> bool:
        """Whether every source could be asked and every list is what its sources have."""
        good = (Outcome.UNCHANGED, Outcome.NEW)
        return not self.failures and all(result.outcome in good for result in self.results)


@dataclass(frozen=True, slots=True)
class SyncOrder:
    """How a run is to go: who asks, at what time, and what is waived."""

    at: datetime
    zone: ZoneInfo
    who: str
    force: bool = False
    dry_run: bool = False


def sync_lists(
    settings: SyncSettings,
    store: Path,
    order: SyncOrder,
    progress: SourceProgress | None = None,
) -> SyncReport:
    """Ask every source, then put in force what is new. Raises StoreError alone.

    A dry run asks and judges the same way, on a copy of what is remembered, and changes nothing.
    """
    if not order.dry_run:
        return _synced(settings, store, order, progress)
    with TemporaryDirectory(prefix="plategate-sync-") as folder:
        if settings.state_dir.exists():
            shutil.copytree(settings.state_dir, folder, dirs_exist_ok=True)
        apart = settings.model_copy(update={"state_dir": Path(folder)})
        return _synced(apart, store, order, progress)


def _synced(
    settings: SyncSettings, store: Path, order: SyncOrder, progress: SourceProgress | None
) -> SyncReport:
    terms = Terms(order.zone, order.at, order.force)
    results: list[SourceResult] = []
    for source in settings.sources:
        told = None if progress is None else _named(progress, source.name)
        result = refresh(settings, source, _folder(settings, source), terms, told)
        _log(result)
        results.append(result)
    mended: list[str] = []
    report = change_store(
        store,
        lambda connection: _put_in_force(settings, connection, order, results),
        None if order.dry_run else mended.append,
    )
    return replace(report, failures=(*mended, *report.failures))


def _put_in_force(
    settings: SyncSettings,
    connection: sqlite3.Connection,
    order: SyncOrder,
    results: Sequence[SourceResult],
) -> SyncReport:
    changes, failures = [], []
    records: int | None = None
    for kind in dict.fromkeys(source.kind for source in settings.sources):
        sources = sorted(
            (source for source in settings.sources if source.kind == kind),
            key=lambda source: (source.priority, source.name),
        )
        applied = _Applier(settings, connection, order, kind, sources, results)
        try:
            change = applied.apply()
        except GateError as problem:
            failures.append(f"{kind}: {problem}")
            continue
        if isinstance(change, ListChange):
            changes.append(change)
        elif change is not None:
            records = change
    return SyncReport(tuple(results), tuple(changes), records, tuple(failures))


class _Applier:
    """Puts the last good copies of one kind in force, if they are not already."""

    def __init__(
        self,
        settings: SyncSettings,
        connection: sqlite3.Connection,
        order: SyncOrder,
        kind: str,
        sources: Sequence[SyncSource],
        results: Iterable[SourceResult],
    ) -> None:
        self._connection = connection
        self._order = order
        self._kind = kind
        self._copies = [(source, _folder(settings, source)) for source in sources]
        self._results = [result for result in results if result.kind == kind]
        self._mark = settings.state_dir / f"in-force.{kind}"

    def apply(self) -> ListChange | int | None:
        """The change, the count of records, or None where all was in force already."""
        have = [
            (source, folder)
            for source, folder in self._copies
            if folder.good.exists() and acceptable(source, folder.load())
        ]
        if not have:
            return None
        digest = _digest_of([(source, folder.load().sha256) for source, folder in have])
        if self._in_force(digest):
            self._confirm()
            return None
        change = self._replace(have, digest)
        if not self._order.dry_run:
            self._confirm()
        return change

    def _replace(
        self, have: Sequence[tuple[SyncSource, SourceFolder]], digest: str
    ) -> ListChange | int | None:
        entries = _merged(have, self._order.zone)
        if self._kind == "records":
            if self._order.dry_run:
                return sum(1 for _ in entries)
            count = replace_records(self._connection, cast(Iterator[VehicleRecord], entries))
            self._mark.write_text(digest, encoding="ascii")
            return count
        return replace_list(
            self._connection,
            ListName(self._kind),
            cast(Iterator[ListEntry], entries),
            who=self._order.who,
            at=self._order.at,
            source=f"sync {digest}",
            serial=_newest_serial(folder for _, folder in have),
            dry_run=self._order.dry_run,
        )

    def _in_force(self, digest: str) -> bool:
        if self._kind == "records":
            marked = self._mark.exists() and self._mark.read_text(encoding="ascii") == digest
            return marked and has_records(self._connection)
        state = list_state(self._connection, ListName(self._kind))
        return state is not None and state.source == f"sync {digest}"

    def _confirm(self) -> None:
        """Only when every source answered is the list known to be fresh."""
        fresh = all(r.outcome in (Outcome.UNCHANGED, Outcome.NEW) for r in self._results)
        if fresh and self._kind != "records":
            confirm_list(self._connection, ListName(self._kind), self._order.at)


def _merged(
    have: Sequence[tuple[SyncSource, SourceFolder]], zone: ZoneInfo
) -> Iterator[ListEntry | VehicleRecord]:
    """All entries; a plate that a source of higher priority names is not taken from a lower one."""
    named: set[str] = set()
    for turn, (source, folder) in enumerate(have):
        own: set[str] = set()
        last = turn == len(have) - 1
        with folder.good.open("rb") as stream:
            for entry in cast(
                "Iterator[ListEntry | VehicleRecord]", entries_in(source, stream, zone)
            ):
                if entry.plate in named:
                    continue
                if not last:
                    own.add(entry.plate)
                yield entry
        named |= own


def _digest_of(parts: Iterable[tuple[SyncSource, str | None]]) -> str:
    text = "\n".join(f"{source.name} {source.priority} {sha256}" for source, sha256 in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _newest_serial(folders: Iterable[SourceFolder]) -> int | None:
    serials = [serial for folder in folders if (serial := folder.load().serial) is not None]
    return max(serials, default=None)


def _folder(settings: SyncSettings, source: SyncSource) -> SourceFolder:
    return SourceFolder(settings.state_dir / source.name)


def _named(progress: SourceProgress, name: str) -> Callable[[int, int | None], None]:
    return lambda received, size: progress(name, received, size)


def _log(result: SourceResult) -> None:
    """Say what changed, once: a failure when it comes and when it goes."""
    if not result.news:
        return
    failed = result.outcome in (Outcome.SET_ASIDE, Outcome.UNREACHABLE)
    level = logging.WARNING if failed else logging.INFO
    text = "source %s (%s list): %s: %s"
    logger.log(level, text, result.source, result.kind, result.outcome, result.sentence)
