# SPDX-License-Identifier: Apache-2.0
"""What the next sync would change: a dry run whose result is kept for a short time.

The list service has no network. It leaves a file that says that a preview is wanted;
plategate-sync-preview.path then starts a dry run of the sync, which writes the result next to it.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from plategate.access.store.differences import differences
from plategate.access.store.history import ListChange, plates_of
from plategate.access.sync.checks import SyncOptions
from plategate.access.sync.source_state import PREVIEW_FILE, open_own
from plategate.access.sync.sync import SyncReport, sync_lists
from plategate.durable_files import replace_file
from plategate.list_service.documents import (
    DIFFERENCES,
    FIRST_PLATES,
    Document,
    change_document,
    difference_documents,
)
from plategate.settings import Settings
from plategate.storage import storage_errors

WANTED_FILE = "preview.wanted"
# Both files are gone after this: a preview has plates, and a request that nobody follows is over.
VALID_FOR = timedelta(minutes=15)
LONGEST_BYTES = 4_000_000


def want_preview(folder: Path) -> None:
    """Ask for a preview; raises StoreError."""
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / PREVIEW_FILE).unlink(missing_ok=True)
        replace_file(folder / WANTED_FILE, b"", mode=0o640, flush_name=False)


def is_wanted(folder: Path, now: datetime) -> bool:
    """Whether a preview is asked for and not there yet."""
    return _age(folder / WANTED_FILE, now) is not None


def read_preview(folder: Path, now: datetime) -> Document | None:
    """The preview, if there is one that is not too old. Raises StoreError."""
    file = folder / PREVIEW_FILE
    with storage_errors(file):
        if _age(file, now) is None:
            return None
        try:
            with open_own(file) as stream:
                found = json.loads(stream.read(LONGEST_BYTES))
        except (FileNotFoundError, ValueError):
            return None
    return found if isinstance(found, dict) else None


def make_preview(settings: Settings, options: SyncOptions) -> SyncReport:
    """Run a dry run and keep its result; raises StoreError."""
    folder, found = settings.sync.state_dir, []

    def collect(store: sqlite3.Connection, change: ListChange) -> None:
        found.append(
            {
                "change": change_document(change, plates_of(store, change.number, FIRST_PLATES)),
                "differences": difference_documents(
                    islice(differences(store, change), DIFFERENCES), options.zone
                ),
            }
        )

    report = sync_lists(
        settings.sync, settings.access.file, replace(options, dry_run=True, inspect=collect)
    )
    document = {
        "at": options.at.isoformat(timespec="seconds"),
        "sources": [
            {
                "name": result.source,
                "list": result.kind,
                "good": result.outcome.good,
                "message": result.message,
            }
            for result in report.results
        ],
        "changes": found,
        "failures": list(report.failures),
    }
    content = json.dumps(document, ensure_ascii=False).encode()
    with storage_errors(folder / PREVIEW_FILE):
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(folder / PREVIEW_FILE, content, mode=0o640)
        (folder / WANTED_FILE).unlink(missing_ok=True)
    return report


def forget_old_preview(folder: Path, now: datetime) -> None:
    """Delete a preview that is too old; a failure is of no consequence until the next sync."""
    _age(folder / PREVIEW_FILE, now)


def _age(file: Path, now: datetime) -> timedelta | None:
    """The age of a file; None where there is none, or where it was too old and is deleted."""
    with suppress(OSError):
        age = now - datetime.fromtimestamp(file.stat().st_mtime, UTC)
        if abs(age) <= VALID_FOR:
            return age
        file.unlink()
    return None
