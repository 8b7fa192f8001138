# SPDX-License-Identifier: Apache-2.0
"""Folder and state of one list source: last good copy, its metadata, the current problem.

Each source has a folder with `list` (last good copy), `list.json` (state) and `set-aside` (last
refused copy, for inspection). Files are replaced by rename, so a power cut leaves old or new.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from plategate.access.sync.fetch import Validators
from plategate.errors import SyncError, reason_of_own
from plategate.storage import put_in_place, replace_file

STATE_FILE = "list.json"


@dataclass(frozen=True, slots=True)
class SourceState:
    """Metadata of a source's last good copy. Times are wall times in ISO 8601.

    `url` is the address it came from, `key_id` the key that signed it, `checked_at` the last
    successful check.
    """

    url: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    sha256: str | None = None
    serial: int | None = None
    key_id: str | None = None
    entries: int | None = None
    fetched_at: str | None = None
    checked_at: str | None = None
    problem: str | None = None
    problem_since: str | None = None

    def validators(self, url: str) -> Validators | None:
        """Validators for a conditional request; None if the copy came from another address."""
        return Validators(self.etag, self.last_modified) if url == self.url else None


class SourceFolder:
    """The folder of one source; created on first use."""

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SyncError(
                f"sync.state_dir: {folder}: cannot be created: {reason_of_own(error)}"
            ) from error
        self.good = folder / "list"
        self.download = folder / "download"
        self.signature = folder / "download.minisig"
        self.set_aside = folder / "set-aside"
        self._state_file = folder / STATE_FILE

    def load(self) -> SourceState:
        """The saved state; an empty one where it is missing or unreadable."""
        try:
            found = json.loads(self._state_file.read_text(encoding="utf-8"))
            return _checked(found)
        except (OSError, ValueError, TypeError):
            return SourceState()

    def promote(self, state: SourceState) -> None:
        """Make the download the last good copy and save its state."""
        put_in_place(self.download, self.good)
        self.save(state)

    def keep_refused(self) -> None:
        """Keep the refused download as `set-aside`, for inspection."""
        if self.download.exists():
            self.download.replace(self.set_aside)

    def save(self, state: SourceState) -> None:
        """Replace the saved state."""
        text = json.dumps(asdict(state), indent=1) + "\n"
        replace_file(self._state_file, text.encode())

    def discard_download(self) -> None:
        """Delete what an attempt left behind."""
        for file in (self.download, self.signature):
            file.unlink(missing_ok=True)


def with_problem(state: SourceState, problem: str, at: datetime) -> SourceState:
    """The state with a problem; a repeated problem keeps the time at which it began."""
    if state.problem == problem:
        return state
    return replace(state, problem=problem, problem_since=at.isoformat(timespec="seconds"))


def without_problem(state: SourceState, at: datetime) -> SourceState:
    """The state after a successful check."""
    checked = at.isoformat(timespec="seconds")
    return replace(state, checked_at=checked, problem=None, problem_since=None)


def _checked(found: Mapping[str, Any]) -> SourceState:
    state = SourceState(**found)
    texts = (
        state.url,
        state.etag,
        state.last_modified,
        state.sha256,
        state.key_id,
        state.fetched_at,
    )
    if not all(text is None or isinstance(text, str) for text in texts):
        raise ValueError("expected a string")
    if not all(
        number is None or isinstance(number, int) for number in (state.serial, state.entries)
    ):
        raise ValueError("expected a number")
    return state
