# SPDX-License-Identifier: Apache-2.0
"""Folder and state of one list source: last good copy, its metadata, the current problem.

Each source has a folder with `list` (last good copy), `list.json` (state) and `set-aside` (last
refused copy, for inspection). Files are replaced by rename, so a power cut leaves old or new.
"""

from __future__ import annotations

import json
import os
import pwd
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from io import BufferedReader
from pathlib import Path
from typing import Any

from plategate.access.sync.address import address_id, without_secrets
from plategate.durable_files import put_in_place, replace_file
from plategate.errors import SyncError, reason_of_own

GOOD_FILE = "list"
STATE_FILE = "list.json"
REFUSED_FILE = "set-aside"
PREVIEW_FILE = "preview.json"  # in the folder of all sources: what the next sync would change


@dataclass(frozen=True, slots=True)
class Validators:
    """ETag and Last-Modified of the local copy, for a conditional request."""

    etag: str | None = None
    last_modified: str | None = None

    def headers(self) -> dict[str, str]:
        """The conditional headers of RFC 9110, section 13.1."""
        headers = {}
        if self.etag:
            headers["If-None-Match"] = self.etag
        if self.last_modified:
            headers["If-Modified-Since"] = self.last_modified
        return headers


@dataclass(frozen=True, slots=True)
class SourceProblem:
    """Why a source's last attempt failed; `set_aside`: a list was downloaded and refused."""

    sentence: str
    set_aside: bool


@dataclass(frozen=True, slots=True)
class SourceState:
    """Metadata of a source's last good copy. Times are wall times in ISO 8601.

    `url` is the address it came from, without secrets, and `address` tells addresses apart.
    `key_id` is the key that signed it, `expires` and `stated` are what the signature states.
    `checked_at` is the last successful check.
    """

    url: str | None = None
    address: str | None = None
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
    expires: str | None = None
    stated: str = ""

    def at_address(self, url: str) -> SourceState:
        """The state of a copy that came from `url`."""
        return replace(self, url=without_secrets(url), address=address_id(url))

    def validators(self, url: str) -> Validators | None:
        """Validators for a conditional request; None if the copy came from another address."""
        same = self.address == address_id(url)
        return Validators(self.etag, self.last_modified) if same else None


class SourceFolder:
    """The folder of one source; created on first use. It must belong to the user who syncs."""

    def __init__(self, state_dir: Path, name: str) -> None:
        folder = state_dir / name
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SyncError(
                f"sync.state_dir: {folder}: cannot be created: {reason_of_own(error)}"
            ) from error
        _check_owner(folder)
        self.good = folder / GOOD_FILE
        self.download = folder / "download"
        self.signature = folder / "download.minisig"
        self.set_aside = folder / REFUSED_FILE
        self._state_file = folder / STATE_FILE

    def load(self) -> SourceState:
        """The saved state; an empty one where it is missing or unreadable."""
        try:
            with open_own(self._state_file) as stream:
                return _checked(json.load(stream))
        except (OSError, ValueError, TypeError, RecursionError):
            return SourceState()

    def promote(self, state: SourceState) -> None:
        """Make the download the last good copy and save its state."""
        put_in_place(self.download, self.good)
        self.save(state)

    def keep_refused(self) -> None:
        """Keep the refused download as `set-aside`, for inspection."""
        if self.download.is_file():
            self.download.replace(self.set_aside)

    def save(self, state: SourceState) -> None:
        """Replace the saved state."""
        text = json.dumps(asdict(state), indent=1) + "\n"
        replace_file(self._state_file, text.encode())

    def discard_download(self) -> None:
        """Delete what an attempt left behind."""
        for file in (self.download, self.signature):
            file.unlink(missing_ok=True)


def source_problems(state_dir: Path) -> dict[str, SourceProblem]:
    """The present problem of each source, by its name; what cannot be read is left out."""
    problems = {}
    for state_file in sorted(state_dir.glob(f"*/{STATE_FILE}")):
        try:
            with open_own(state_file) as stream:
                state = _checked(json.load(stream))
        except (OSError, ValueError, TypeError, RecursionError):
            continue
        if state.problem is not None:
            refused = state_file.with_name(REFUSED_FILE)
            problems[state_file.parent.name] = SourceProblem(
                state.problem, _is_newer(refused, state.problem_since)
            )
    return problems


def _is_newer(file: Path, since: str | None) -> bool:
    """Whether a file was written since a time in ISO 8601, to the second."""
    try:
        written_s = file.lstat().st_mtime
        return since is not None and written_s >= datetime.fromisoformat(since).timestamp() - 1
    except (OSError, ValueError):
        return False


def with_problem(state: SourceState, problem: str, at: datetime) -> SourceState:
    """The state with a problem; a repeated problem keeps the time at which it began."""
    if state.problem == problem:
        return state
    return replace(state, problem=problem, problem_since=at.isoformat(timespec="seconds"))


def without_problem(state: SourceState, at: datetime) -> SourceState:
    """The state after a successful check."""
    checked = at.isoformat(timespec="seconds")
    return replace(state, checked_at=checked, problem=None, problem_since=None)


def open_own(file: Path) -> BufferedReader:
    """Open a regular file of a source folder for reading; never follows a link."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    return os.fdopen(os.open(file, flags), "rb")


def _check_owner(folder: Path) -> None:
    """Refuse a folder in which somebody else could plant links and files."""
    found = folder.lstat()
    if not folder.is_dir() or folder.is_symlink():
        raise SyncError(f"sync.state_dir: {folder}: is not a folder")
    if found.st_uid != os.geteuid():
        owner, user = _user_name(found.st_uid), _user_name(os.geteuid())
        raise SyncError(
            f"sync.state_dir: {folder}: belongs to {owner}, but {user} runs the sync;"
            f" run it as {owner}, or: sudo chown -R {user} {folder}"
        )


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _checked(found: Mapping[str, Any]) -> SourceState:
    if not isinstance(found, Mapping):
        raise TypeError("not an object")
    # A newer version may have saved more fields.
    known = {field.name for field in fields(SourceState)}
    state = SourceState(**{name: value for name, value in found.items() if name in known})
    for field in fields(SourceState):
        value = getattr(state, field.name)
        expected = int if field.name in ("serial", "entries") else str
        if not (isinstance(value, expected) or (value is None and field.default is None)):
            raise ValueError(f"{field.name}: unexpected {value!r}")
    for moment in (state.fetched_at, state.checked_at, state.expires):
        if moment is not None:
            datetime.fromisoformat(moment)
    return state
