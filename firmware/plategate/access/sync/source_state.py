# SPDX-License-Identifier: Apache-2.0
"""What is remembered of one list source: its last good copy and what is wrong with it.

One folder a source: `list` (the last good copy), `list.json` (this state), `set-aside` (the last
copy that was refused, to look at). Files are replaced by renaming: a cut leaves old or new.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from plategate.access.sync.fetch import Validators
from plategate.errors import SyncError, reason_of_own

MEMORY = "list.json"


@dataclass(frozen=True, slots=True)
class SourceState:
    """Memory of one source. Times are wall times in ISO 8601.

    `checked_at` is the last success; `key_id` is the key that signed the last good copy; `url` is
    where that came from.
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
        """What to ask with; None at another address, of whose file they say nothing."""
        return Validators(self.etag, self.last_modified) if url == self.url else None


class SourceFolder:
    """The folder of one source."""

    def __init__(self, folder: Path) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SyncError(
                f"sync.state_dir: {folder}: cannot be made: {reason_of_own(error)}"
            ) from error
        self.good = folder / "list"
        self.candidate = folder / "candidate"
        self.signature = folder / "candidate.minisig"
        self.set_aside = folder / "set-aside"
        self._memory = folder / MEMORY

    def load(self) -> SourceState:
        """The memory; an empty one where there is none or it cannot be read."""
        try:
            found = json.loads(self._memory.read_text(encoding="utf-8"))
            return _checked(found)
        except (OSError, ValueError, TypeError):
            return SourceState()

    def promote(self, state: SourceState) -> None:
        """Make the candidate the last good copy."""
        _flush(self.candidate)
        self.candidate.replace(self.good)
        self.remember(state)

    def refuse(self) -> None:
        """Keep the refused candidate beside the good one."""
        if self.candidate.exists():
            self.candidate.replace(self.set_aside)

    def remember(self, state: SourceState) -> None:
        """Replace the memory."""
        fresh = self._memory.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(state), indent=1) + "\n", encoding="utf-8")
        _flush(fresh)
        fresh.replace(self._memory)
        _flush(self._memory.parent)

    def tidy(self) -> None:
        """Take away what a try left behind."""
        for file in (self.candidate, self.signature):
            file.unlink(missing_ok=True)


def with_problem(state: SourceState, sentence: str, at: datetime) -> SourceState:
    """The state with a problem; the same problem keeps the time at which it began."""
    if state.problem == sentence:
        return state
    return replace(state, problem=sentence, problem_since=at.isoformat(timespec="seconds"))


def without_problem(state: SourceState, at: datetime) -> SourceState:
    """The state after a success."""
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
        raise ValueError("a text was expected")
    if not all(
        number is None or isinstance(number, int) for number in (state.serial, state.entries)
    ):
        raise ValueError("a number was expected")
    return state


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
