# SPDX-License-Identifier: Apache-2.0
"""Download the newest copy of one source and check signature, serial, content and size.

A copy that passes becomes the source's last good copy. Any other is set aside with the reason,
and the last good copy stays. `sync` puts the copies in force.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import BinaryIO
from zoneinfo import ZoneInfo

from plategate.access.files.entries import read_entries
from plategate.access.files.vehicles import read_records
from plategate.access.store.lists import ListName
from plategate.access.sync.fetch import Fetched, Fetcher, NotFoundError, Progress
from plategate.access.sync.signature import (
    VerifiedSignature,
    load_public_key,
    parse_signature,
    verify,
)
from plategate.access.sync.source_state import (
    SourceFolder,
    SourceState,
    with_problem,
    without_problem,
)
from plategate.errors import GateError, ListError, SyncError
from plategate.settings.sync import SyncSettings, SyncSource

SIGNATURE_BYTES = 4_096


class SourceOutcome(StrEnum):
    """Result of one sync attempt of a source."""

    UNCHANGED = "unchanged"
    NEW = "new"
    SET_ASIDE = "set aside"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class SourceResult:
    """Result of one sync attempt; `changed` when it differs from the last attempt's result."""

    source: str
    kind: str
    outcome: SourceOutcome
    message: str
    state: SourceState
    changed: bool


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """Options of one sync run.

    `at` is the wall time of the run and `who` its user, for the list history. `force` accepts
    empty, shrunk and older lists, never unsigned ones. A dry run changes nothing.
    """

    at: datetime
    zone: ZoneInfo
    who: str
    force: bool = False
    dry_run: bool = False


def refresh(
    settings: SyncSettings,
    source: SyncSource,
    folder: SourceFolder,
    options: SyncOptions,
    progress: Progress | None = None,
) -> SourceResult:
    """Download and check the source's newest copy. Does not raise for a failing source."""
    state = folder.load()
    try:
        with Fetcher(settings, source) as fetcher:
            return _refreshed(settings, source, fetcher, folder, state, options, progress)
    except SyncError as problem:
        outcome, message = SourceOutcome.UNREACHABLE, str(problem)
    except GateError as problem:
        folder.keep_refused()
        outcome, message = SourceOutcome.SET_ASIDE, str(problem)
    finally:
        folder.discard_download()
    after = with_problem(state, message, options.at)
    folder.save(after)
    return SourceResult(source.name, source.kind, outcome, message, after, after != state)


def acceptable(source: SyncSource, state: SourceState) -> bool:
    """Whether the last good copy satisfies the present settings, which may require more now."""
    if source.signature != "required":
        return True
    return state.key_id in {load_public_key(key).name for key in source.public_keys}


def entries_in(source: SyncSource, stream: BinaryIO, zone: ZoneInfo) -> Iterator[object]:
    """Entries or records of a list file; raises as `read_entries` and `read_records` do."""
    if source.kind == "records":
        yield from read_records(stream, source.url).records
        return
    found = read_entries(stream, source.url, zone)
    if found.list is not None and found.list is not ListName(source.kind):
        raise ListError(f"{source.url}: is the {found.list} list, {source.kind} was expected")
    yield from found.entries


def _refreshed(
    settings: SyncSettings,
    source: SyncSource,
    fetcher: Fetcher,
    folder: SourceFolder,
    state: SourceState,
    options: SyncOptions,
    progress: Progress | None,
) -> SourceResult:
    usable = folder.good.exists() and acceptable(source, state)
    known = state.validators(source.url) if usable else None
    fetched = fetcher.fetch(source.url, folder.download, known=known, progress=progress)
    if fetched is None:
        return _unchanged(source, folder, state, options)
    digest = _sha256(folder)
    signed = _check_signature(source, fetcher, folder, state, options)
    serial = _check_serial(source, folder, signed, state, options)
    entries = _check_content(settings, source, folder, state, options)
    after = replace(
        without_problem(state, options.at),
        url=source.url,
        etag=fetched.validators.etag,
        last_modified=fetched.validators.last_modified,
        sha256=digest,
        serial=serial,
        key_id=signed.key_id if signed else None,
        entries=entries,
        fetched_at=options.at.isoformat(timespec="seconds"),
    )
    same = digest == state.sha256 and folder.good.exists()
    folder.promote(after)
    if same:
        return _unchanged(source, folder, after, options)
    return SourceResult(
        source.name, source.kind, SourceOutcome.NEW, _arrived(entries, fetched), after, True
    )


def _unchanged(
    source: SyncSource, folder: SourceFolder, state: SourceState, options: SyncOptions
) -> SourceResult:
    after = without_problem(state, options.at)
    folder.save(after)
    message = f"the copy of {state.fetched_at} is still the newest"
    recovered = state.problem is not None
    return SourceResult(
        source.name, source.kind, SourceOutcome.UNCHANGED, message, after, recovered
    )


def _check_signature(
    source: SyncSource,
    fetcher: Fetcher,
    folder: SourceFolder,
    state: SourceState,
    options: SyncOptions,
) -> VerifiedSignature | None:
    if source.signature == "ignored" or not source.public_keys:
        return None
    url = source.signature_url or source.url + ".minisig"
    try:
        fetcher.fetch(url, folder.signature, limit_bytes=SIGNATURE_BYTES)
    except NotFoundError as missing:
        if source.signature == "required":
            raise ListError(f"no signature: {missing}") from missing
        if state.key_id is not None and not options.force:
            raise ListError(f"the last one was signed, this one is not: {missing}") from missing
        return None
    keys = [load_public_key(key) for key in source.public_keys]
    signature = parse_signature(folder.signature.read_bytes(), url)
    return verify(folder.download, signature, keys, source.url)


def _check_serial(
    source: SyncSource,
    folder: SourceFolder,
    signed: VerifiedSignature | None,
    state: SourceState,
    options: SyncOptions,
) -> int | None:
    """The serial of a signed list, which must not decrease; unsigned serials prove nothing."""
    if signed is None:
        return state.serial
    serial = signed.serial
    if source.kind != "records":
        with folder.download.open("rb") as stream:
            own = read_entries(stream, source.url, options.zone).serial
        serial = own if own is not None else serial
    if serial is None:
        raise ListError(f"{source.url}: signed, but without a serial number or timestamp")
    if state.serial is not None and serial < state.serial and not options.force:
        raise ListError(f"{source.url}: serial {serial} is older than {state.serial} (replayed?)")
    return serial


def _check_content(
    settings: SyncSettings,
    source: SyncSource,
    folder: SourceFolder,
    state: SourceState,
    options: SyncOptions,
) -> int:
    _refuse_web_page(source, folder)
    with folder.download.open("rb") as stream:
        entries = sum(1 for _ in entries_in(source, stream, options.zone))
    if options.force:
        return entries
    if entries == 0:
        raise ListError(f"{source.url}: is empty")
    limit = settings.shrink_limit_percent
    if state.entries and entries * 100 < state.entries * (100 - limit):
        raise ListError(
            f"{source.url}: shrank from {state.entries} to {entries} entries,"
            f" more than {limit} % (sync.shrink_limit_percent)"
        )
    return entries


def _refuse_web_page(source: SyncSource, folder: SourceFolder) -> None:
    """Name the usual mistake: a log-in page came instead of the list."""
    with folder.download.open("rb") as stream:
        start = stream.read(64).lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise ListError(f"{source.url}: a web page came instead of a list")


def _arrived(entries: int, fetched: Fetched) -> str:
    return f"{entries} entries, {fetched.bytes} bytes"


def _sha256(folder: SourceFolder) -> str:
    with folder.download.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
