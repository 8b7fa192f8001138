# SPDX-License-Identifier: Apache-2.0
"""Update lists and vehicle records from all sources, each list in one transaction or not at all.

Every source keeps its last good copy, so a source that is down, forged or malformed does not
affect the others. Without network the lists in force stay, and their age is known.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import shutil
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from plategate.access.store.changes import confirm_list, replace_list
from plategate.access.store.generation import settle_lists
from plategate.access.store.history import ListChange, was_checked
from plategate.access.store.lists import ListName, list_state
from plategate.access.store.repair import change_store
from plategate.access.store.vehicles import has_records, replace_records
from plategate.access.sync.address import LONGEST_MESSAGE
from plategate.access.sync.checks import SyncOptions, entries_in, sha256_of
from plategate.access.sync.source import (
    SourceProgress,
    SourceResult,
    acceptable,
    refresh_all,
)
from plategate.access.sync.source_state import GOOD_FILE, STATE_FILE, SourceFolder, open_own
from plategate.durable_files import replace_file
from plategate.errors import GateError, StoreError, SyncError, printable, reason_of_own
from plategate.settings.sync import SyncSettings, SyncSource
from plategate.values import ListEntry, VehicleRecord

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SyncReport:
    """Result of one run: one result per source, one change per replaced list.

    `records` is the number of vehicle records where they were replaced.
    """

    results: tuple[SourceResult, ...]
    changes: tuple[ListChange, ...]
    records: int | None
    failures: tuple[str, ...]

    @property
    def all_well(self) -> bool:
        """Whether every source answered and every list equals its sources."""
        return not self.failures and all(result.outcome.good for result in self.results)


def sync_lists(
    settings: SyncSettings,
    store: Path,
    options: SyncOptions,
    progress: SourceProgress | None = None,
) -> SyncReport:
    """Check every source, then put in force what is new. Whatever fails is in the report.

    A dry run does the same on a temporary copy of the state and changes nothing.
    """
    if not options.dry_run:
        try:
            with _locked(settings.state_dir):
                return _sync(settings, store, options, progress)
        except SyncError as problem:
            return SyncReport((), (), None, (str(problem),))
    with TemporaryDirectory(prefix="plategate-sync-") as name:
        scratch = settings.model_copy(update={"state_dir": Path(name)})
        try:
            _copy_state(settings, Path(name))
        except OSError as error:
            sentence = f"{error.filename}: {reason_of_own(error)}"
            return SyncReport((), (), None, (sentence,))
        return _sync(scratch, store, options, progress)


def _sync(
    settings: SyncSettings, store: Path, options: SyncOptions, progress: SourceProgress | None
) -> SyncReport:
    results, repairs = refresh_all(settings, options, progress), list[str]()
    for result in results:
        _log(result)
    try:
        report = change_store(
            store,
            lambda connection: _put_in_force(settings, connection, options, results),
            repairs.append,
            options.dry_run,
        )
    except StoreError as problem:
        report = SyncReport(results, (), None, (str(problem),))
    return replace(report, failures=(*repairs, *report.failures))


@contextmanager
def _locked(state_dir: Path) -> Iterator[None]:
    """Hold the lock of the state folder, so that the timer and a user do not sync at once."""
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        lock = os.open(state_dir / "lock", flags, 0o640)
    except OSError as error:
        raise SyncError(f"sync.state_dir: {error.filename}: {reason_of_own(error)}") from error
    try:
        # Of this process alone: a download process that hangs in the kernel does not keep it.
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SyncError(
                "another list sync is running; try again when it has finished"
            ) from None
        yield
    finally:
        os.close(lock)


def _copy_state(settings: SyncSettings, scratch: Path) -> None:
    """Copy last good copies and their states; nothing else of the folder is opened."""
    for source in settings.sources:
        for name in (GOOD_FILE, STATE_FILE):
            file = settings.state_dir / source.name / name
            if file.is_file():
                (scratch / source.name).mkdir(exist_ok=True)
                with open_own(file) as stream, (scratch / source.name / name).open("wb") as copy:
                    shutil.copyfileobj(stream, copy)


def _put_in_force(
    settings: SyncSettings,
    connection: sqlite3.Connection,
    options: SyncOptions,
    results: Sequence[SourceResult],
) -> SyncReport:
    changes, failures = [], []
    records: int | None = None
    if not options.dry_run:
        settle_lists(connection, options.at, options.undo_days)
    for kind in dict.fromkeys(source.kind for source in settings.sources):
        sources = sorted(
            (source for source in settings.sources if source.kind == kind),
            key=lambda source: (source.priority, source.name),
        )
        try:
            update = _KindUpdate(settings, connection, options, kind, sources, results)
            change = update.apply()
        except GateError as problem:
            failures.append(f"{kind}: {printable(str(problem), LONGEST_MESSAGE)}")
            continue
        except OSError as error:
            failures.append(f"{kind}: {error.filename}: {reason_of_own(error)}")
            continue
        if isinstance(change, ListChange):
            changes.append(change)
        elif change is not None:
            records = change
    return SyncReport(tuple(results), tuple(changes), records, tuple(failures))


class _KindUpdate:
    """Puts the last good copies of all sources of one kind in force."""

    def __init__(
        self,
        settings: SyncSettings,
        connection: sqlite3.Connection,
        options: SyncOptions,
        kind: str,
        sources: Sequence[SyncSource],
        results: Iterable[SourceResult],
    ) -> None:
        self._connection = connection
        self._options = options
        self._kind = kind
        self._copies = [(source, _folder(settings, source)) for source in sources]
        self._results = [result for result in results if result.kind == kind]
        self._marker = settings.state_dir / f"in-force.{kind}"

    def apply(self) -> ListChange | int | None:
        """The change, the number of records, or None where nothing changed."""
        good = [
            (source, folder)
            for source, folder in self._copies
            if folder.good.exists() and acceptable(source, folder.load())
        ]
        if not good:
            return None
        digest = _digest_of([(source, sha256_of(folder.good)) for source, folder in good])
        if self._in_force(digest):
            self._confirm()
            if self._checked():
                return None
            # Put in force by a version that checked plates less strictly: now every invalid row is
            # reported, and the list stays in force until the source is corrected.
        change = self._replace(good, digest)
        if not self._options.dry_run:
            self._confirm()
        return change

    def _replace(
        self, good: Sequence[tuple[SyncSource, SourceFolder]], digest: str
    ) -> ListChange | int | None:
        entries = _merged(good, self._options)
        if self._kind == "records":
            if self._options.dry_run:
                return sum(1 for _ in entries)
            count = replace_records(self._connection, cast(Iterator[VehicleRecord], entries))
            replace_file(self._marker, digest.encode())
            return count
        return replace_list(
            self._connection,
            ListName(self._kind),
            cast(Iterator[ListEntry], entries),
            who=self._options.who,
            at=self._options.at,
            source=f"sync {digest}",
            serial=_newest_serial(folder for _, folder in good),
            undo_days=self._options.undo_days,
            inspect=self._options.inspect,
            dry_run=self._options.dry_run,
        )

    def _in_force(self, digest: str) -> bool:
        if self._kind == "records":
            return self._marked() == digest.encode() and has_records(self._connection)
        state = list_state(self._connection, ListName(self._kind))
        return state is not None and state.source == f"sync {digest}"

    def _checked(self) -> bool:
        if self._kind == "records":
            return True
        state = list_state(self._connection, ListName(self._kind))
        return state is not None and was_checked(self._connection, state)

    def _marked(self) -> bytes | None:
        if not self._marker.is_file():
            return None
        with open_own(self._marker) as stream:
            return stream.read()

    def _confirm(self) -> None:
        """Renew the list's age, but only if every source answered."""
        fresh = all(result.outcome.good for result in self._results)
        if fresh and self._kind != "records":
            confirm_list(self._connection, ListName(self._kind), self._options.at)


def _merged(
    good: Sequence[tuple[SyncSource, SourceFolder]], options: SyncOptions
) -> Iterator[ListEntry | VehicleRecord]:
    """All entries but erased ones; for a plate in several sources, that of the highest priority."""
    taken: set[str] = set()
    for position, (source, folder) in enumerate(good):
        own: set[str] = set()
        last = position == len(good) - 1
        with open_own(folder.good) as stream:
            for entry in cast(
                "Iterator[ListEntry | VehicleRecord]", entries_in(source, stream, options.zone)
            ):
                if entry.plate in taken or entry.plate in options.erased:
                    continue
                if not last:
                    own.add(entry.plate)
                yield entry
        taken |= own


def _digest_of(parts: Iterable[tuple[SyncSource, str]]) -> str:
    text = "\n".join(f"{source.name} {source.priority} {sha256}" for source, sha256 in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _newest_serial(folders: Iterable[SourceFolder]) -> int | None:
    serials = [serial for folder in folders if (serial := folder.load().serial) is not None]
    return max(serials, default=None)


def _folder(settings: SyncSettings, source: SyncSource) -> SourceFolder:
    return SourceFolder(settings.state_dir, source.name)


def _log(result: SourceResult) -> None:
    """Log a change once: a failure when it begins and when it ends."""
    if not result.changed:
        return
    level = logging.INFO if result.outcome.good else logging.WARNING
    facts = (result.source, result.kind, result.outcome, result.message)
    logger.log(level, "source %s (%s list): %s: %s", *facts)
