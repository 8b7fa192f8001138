# SPDX-License-Identifier: Apache-2.0
"""Open a journal as its one writer, also on a full or read-only disk and with damaged files."""

from __future__ import annotations

import fcntl
import logging
import os
import sqlite3
from pathlib import Path

from plategate.clock import SystemClock
from plategate.errors import StoreError, reason_of, reason_of_own
from plategate.journal import database, repair
from plategate.journal.grants import GrantFile
from plategate.journal.journal import STORE, Journal, in_memory
from plategate.journal.store import JournalStore
from plategate.settings.journal import JournalSettings

log = logging.getLogger(__name__)


class JournalOwnedError(StoreError):
    """Another process has the journal open for writing."""


def open_journal(settings: JournalSettings) -> Journal:
    """Open the journal as its one writer, rebuild it if it is damaged, settle interrupted grants.

    On a full or read-only disk, or if a newer version has changed its format, it is kept in memory,
    which is a problem and not an error. Raises StoreError where the folder cannot be used at all or
    another process owns the journal.
    """
    owner = _own(settings.dir)
    try:
        grants = GrantFile(settings.dir)
        store, problem = _open_store(settings)
    except (OSError, sqlite3.Error) as error:
        os.close(owner)
        raise StoreError(
            f"the journal in {settings.dir} cannot be opened: {reason_of(error)}"
        ) from error
    if settings.outbox:
        log.warning("journal.outbox has no effect: messages are made from the journal itself")
    if store.durable:
        return Journal(settings, store, grants, owner)
    journal = Journal(in_memory(settings), store, grants, owner)
    journal.problems[STORE] = f"{problem}; passages are kept in memory"
    return journal


def _open_store(settings: JournalSettings) -> tuple[JournalStore, str]:
    """The journal on the disk; or one in memory, and why."""
    try:
        opened, notice = repair.open_or_rebuild(settings.dir, SystemClock().wall())
    except (sqlite3.OperationalError, database.NewerFormatError, OSError) as error:
        log.error("the journal cannot be opened on the disk: %s", reason_of(error))
        newer = isinstance(error, database.NewerFormatError)
        problem = f"{database.FILE_NAME}: {error}" if newer else "the disk cannot be written"
        return JournalStore(settings, database.open_database(None), durable=False), problem
    store = JournalStore(settings, opened, durable=True)
    if notice:
        log.error("%s", notice)
        store.notices.append(notice)
    return store, ""


def is_owned(folder: Path) -> bool:
    """Whether a process runs a gate with the journal in `folder`. Raises StoreError."""
    if not folder.is_dir():
        return False
    try:
        os.close(_own(folder))
    except JournalOwnedError:
        return True
    return False


def _own(folder: Path) -> int:
    """Lock the folder for as long as this process lives; needs no space on the disk."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        owner = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise StoreError(
            f"the journal's folder {folder} cannot be used: {reason_of_own(error)}"
        ) from error
    try:
        fcntl.flock(owner, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(owner)
        raise JournalOwnedError(
            f"another process runs a gate with the journal in {folder}"
        ) from None
    return owner
