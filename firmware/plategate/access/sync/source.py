# SPDX-License-Identifier: Apache-2.0
"""Download and check the newest copies of all sources, in child processes with a time limit.

A copy that passes becomes the source's last good copy. Any other is set aside with the reason,
and the last good copy stays. `sync` puts the copies in force.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from plategate.access.sync.address import LONGEST_MESSAGE, without_secrets
from plategate.access.sync.checks import (
    Signed,
    SyncOptions,
    check_content,
    check_expiry,
    check_not_a_block_list,
    check_serial,
    check_signature,
    check_statement,
    sha256_of,
)
from plategate.access.sync.deadline import DeadlineError, Progress, run_together
from plategate.access.sync.fetch import Fetched, Fetcher, late
from plategate.access.sync.signature import load_public_key
from plategate.access.sync.source_state import (
    GOOD_FILE,
    SourceFolder,
    SourceState,
    with_problem,
    without_problem,
)
from plategate.errors import GateError, SyncError, printable, reason_of_own
from plategate.settings.sync import SyncSettings, SyncSource

logger = logging.getLogger(__name__)

# Called with the source name, the bytes received so far, and the announced size or None.
SourceProgress = Callable[[str, int, int | None], None]

# The child names the time limit itself where it can; the parent waits a little longer.
GRACE_S = 0.5


class SourceOutcome(StrEnum):
    """Result of one sync attempt of a source."""

    UNCHANGED = "unchanged"
    NEW = "new"
    SET_ASIDE = "set aside"
    UNREACHABLE = "unreachable"
    FAILED = "failed"  # this machine could not store or process it

    @property
    def good(self) -> bool:
        """Whether the last good copy is now known to be what the source has."""
        return self in (SourceOutcome.UNCHANGED, SourceOutcome.NEW)


@dataclass(frozen=True, slots=True)
class SourceResult:
    """Result of one sync attempt; `changed` when it differs from the last attempt's result."""

    source: str
    kind: str
    outcome: SourceOutcome
    message: str
    state: SourceState
    changed: bool


def refresh_all(
    settings: SyncSettings, options: SyncOptions, progress: SourceProgress | None = None
) -> tuple[SourceResult, ...]:
    """Download and check the newest copies of all sources; whatever fails is in the results.

    Sources are asked at the same time, so that a slow one does not delay the others; block and
    wanted lists before allow lists, which are compared with them.
    """
    found: dict[str, SourceResult] = {}
    for kinds in (("block", "wanted"), ("allow", "records")):
        sources = [source for source in settings.sources if source.kind in kinds]
        found |= _refresh(settings, sources, options, progress)
    return tuple(found[source.name] for source in settings.sources)


def _refresh(
    settings: SyncSettings,
    sources: Sequence[SyncSource],
    options: SyncOptions,
    progress: SourceProgress | None,
) -> dict[str, SourceResult]:
    found: dict[str, SourceResult] = {}
    attempts: list[_Attempt] = []
    for source in sources:
        try:
            folder = SourceFolder(settings.state_dir, source.name)
            attempts.append(_Attempt(settings, source, folder, folder.load(), options))
        except (GateError, OSError) as error:
            reason = _reason(settings, source, error)
            found[source.name] = _failed(source, None, SourceState(), reason, options)
    works = [(each.run, _for_source(progress, each.source.name)) for each in attempts]
    answers = run_together(works, settings.total_timeout_s + GRACE_S)
    for attempt, answer in zip(attempts, answers, strict=True):
        source = attempt.source
        if isinstance(answer, Exception):
            reason = _reason(settings, source, answer)
            found[source.name] = _failed(source, attempt.folder, attempt.state, reason, options)
        else:
            found[source.name] = answer
    return found


def _reason(
    settings: SyncSettings, source: SyncSource, error: Exception
) -> tuple[SourceOutcome, str]:
    """The outcome of a failed attempt and its message."""
    if isinstance(error, DeadlineError):
        message = f"{without_secrets(source.url)}: {late(settings)}"
        return SourceOutcome.UNREACHABLE, message
    if isinstance(error, SyncError):
        return SourceOutcome.UNREACHABLE, str(error)
    if isinstance(error, GateError):
        return SourceOutcome.SET_ASIDE, str(error)
    if isinstance(error, OSError):
        file = error.filename or settings.state_dir / source.name
        return SourceOutcome.FAILED, f"{file}: {reason_of_own(error)}"
    logger.error("source %s", source.name, exc_info=error)
    return SourceOutcome.FAILED, f"{type(error).__name__}: {error}"


def _for_source(progress: SourceProgress | None, name: str) -> Progress | None:
    if progress is None:
        return None
    return lambda received, size: progress(name, received, size)


def acceptable(source: SyncSource, state: SourceState) -> bool:
    """Whether the last good copy satisfies the present settings, which may require more now.

    A copy that version 0.1 accepted unsigned stays good until the settings say `required` or the
    source delivers a signed one: an upgrade locks nobody out.
    """
    if not source.needs_signature:
        return True
    if source.signature is None and state.key_id is None and state.address is None:
        return True
    return state.key_id in {load_public_key(key).name for key in source.public_keys}


def _failed(
    source: SyncSource,
    folder: SourceFolder | None,
    state: SourceState,
    reason: tuple[SourceOutcome, str],
    options: SyncOptions,
) -> SourceResult:
    outcome, message = reason[0], printable(reason[1], LONGEST_MESSAGE)
    after = with_problem(state, message, options.at)
    if folder is not None:
        # Disk full or read-only: the result is reported all the same.
        with suppress(OSError):
            if outcome is SourceOutcome.SET_ASIDE:
                folder.keep_refused()
            folder.discard_download()
        with suppress(OSError):
            folder.save(after)
    return SourceResult(source.name, source.kind, outcome, message, after, after != state)


@dataclass(frozen=True)
class _Attempt:
    """One attempt to bring one source up to date; runs in the child process."""

    settings: SyncSettings
    source: SyncSource
    folder: SourceFolder
    state: SourceState
    options: SyncOptions

    def run(self, progress: Progress) -> SourceResult:
        with Fetcher(self.settings, self.source) as fetcher:
            result = self._refresh(fetcher, progress)
        self.folder.discard_download()
        return result

    def _refresh(self, fetcher: Fetcher, progress: Progress) -> SourceResult:
        source, folder, state = self.source, self.folder, self.state
        usable = folder.good.exists() and acceptable(source, state)
        known = state.validators(source.url) if usable else None
        fetched = fetcher.fetch(source.url, folder.download, known=known, progress=progress)
        if fetched is None:
            return self._unchanged(self._renewed(fetcher) if state.expires else state)
        digest = sha256_of(folder.download)
        signed = self._signature_of(folder.download, fetcher)
        check_not_a_block_list(source, digest, self._other_copies())
        serial = check_serial(source, folder.download, signed, state, self.options)
        entries = check_content(self.settings, source, folder, state, self.options)
        same = folder.good.exists() and digest == sha256_of(folder.good)
        after = replace(
            without_problem(state, self.options.at),
            etag=fetched.validators.etag,
            last_modified=fetched.validators.last_modified,
            sha256=digest,
            entries=entries,
            fetched_at=self.options.at.isoformat(timespec="seconds"),
            **_signed_fields(signed, serial),
        ).at_address(source.url)
        folder.promote(after)
        return self._unchanged(after) if same else self._new(after, entries, fetched)

    def _signature_of(self, file: Path, fetcher: Fetcher) -> Signed | None:
        signed = check_signature(self.source, fetcher, self.folder, file, self.state, self.options)
        if signed is not None:
            check_statement(self.settings, self.source, signed, self.state, self.options)
        return signed

    def _renewed(self, fetcher: Fetcher) -> SourceState:
        """The state of an unchanged list with its present signature, which may expire later."""
        signed = self._signature_of(self.folder.good, fetcher)
        serial = check_serial(self.source, self.folder.good, signed, self.state, self.options)
        return replace(self.state, **_signed_fields(signed, serial))

    def _new(self, after: SourceState, entries: int, fetched: Fetched) -> SourceResult:
        message = f"{entries} entries, {fetched.bytes} bytes"
        return SourceResult(
            self.source.name, self.source.kind, SourceOutcome.NEW, message, after, True
        )

    def _unchanged(self, state: SourceState) -> SourceResult:
        if state.expires is not None:
            check_expiry(self.source, datetime.fromisoformat(state.expires), self.options)
        after = without_problem(state, self.options.at)
        self.folder.save(after)
        message = f"the copy of {state.fetched_at} is still the newest"
        recovered = self.state.problem is not None
        return SourceResult(
            self.source.name, self.source.kind, SourceOutcome.UNCHANGED, message, after, recovered
        )

    def _other_copies(self) -> list[tuple[SyncSource, Path]]:
        return [
            (other, self.settings.state_dir / other.name / GOOD_FILE)
            for other in self.settings.sources
            if other.name != self.source.name
        ]


def _signed_fields(signed: Signed | None, serial: int | None) -> dict[str, Any]:
    """The fields of the state that come from a signature."""
    if signed is None:
        return {"serial": serial, "key_id": None, "expires": None, "stated": ""}
    expires = signed.statement.expires
    return {
        "serial": serial,
        "key_id": signed.key_id,
        "expires": expires.isoformat() if expires else None,
        "stated": " ".join(sorted(signed.statement.stated)),
    }
