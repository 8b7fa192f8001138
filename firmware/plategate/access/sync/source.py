# SPDX-License-Identifier: Apache-2.0
"""Fetch the newest copy of one source and prove it: signed, not replayed, whole, not shrunk.

A copy that proves good becomes the source's last good copy; any other is set aside with a sentence
that says why, and the last good copy stays. Putting it in force is the business of `sync`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import BinaryIO
from zoneinfo import ZoneInfo

from plategate.access.files.entries import read_entries
from plategate.access.files.vehicles import read_records
from plategate.access.store.lists import ListName
from plategate.access.sync.fetch import Fetched, Fetcher, NotThereError, Progress
from plategate.access.sync.signature import Signed, load_public_key, parse_signature, verify
from plategate.access.sync.source_state import (
    SourceFolder,
    SourceState,
    with_problem,
    without_problem,
)
from plategate.errors import GateError, ListError, SyncError
from plategate.settings.sync import SyncSettings, SyncSource

SIGNATURE_BYTES = 4_096


class Outcome(StrEnum):
    """How one source fared."""

    UNCHANGED = "unchanged"
    NEW = "new"
    SET_ASIDE = "set aside"
    UNREACHABLE = "unreachable"


@dataclass(frozen=True, slots=True)
class SourceResult:
    """What came of one source. `news` tells whether the sentence is other than last time's."""

    source: str
    kind: str
    outcome: Outcome
    sentence: str
    state: SourceState
    news: bool


@dataclass(frozen=True, slots=True)
class Terms:
    """What a copy is judged by besides the settings of its source."""

    zone: ZoneInfo
    at: datetime
    force: bool = False


def refresh(
    settings: SyncSettings,
    source: SyncSource,
    folder: SourceFolder,
    terms: Terms,
    progress: Progress | None = None,
) -> SourceResult:
    """Ask the source for a newer copy and judge it. Never raises for what the source did."""
    state = folder.load()
    try:
        with Fetcher(settings, source) as fetcher:
            return _refreshed(settings, source, fetcher, folder, state, terms, progress)
    except SyncError as problem:
        outcome, sentence = Outcome.UNREACHABLE, str(problem)
    except GateError as problem:
        folder.refuse()
        outcome, sentence = Outcome.SET_ASIDE, str(problem)
    finally:
        folder.tidy()
    after = with_problem(state, sentence, terms.at)
    folder.remember(after)
    return SourceResult(source.name, source.kind, outcome, sentence, after, after != state)


def acceptable(source: SyncSource, state: SourceState) -> bool:
    """Whether the last good copy is good by today's settings: they may ask for more than then."""
    if source.signature != "required":
        return True
    return state.key_id in {load_public_key(key).name for key in source.public_keys}


def entries_in(source: SyncSource, stream: BinaryIO, zone: ZoneInfo) -> Iterator[object]:
    """The entries or records of a list file; errors as `read_entries` and `read_records`."""
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
    terms: Terms,
    progress: Progress | None,
) -> SourceResult:
    usable = folder.good.exists() and acceptable(source, state)
    known = state.validators(source.url) if usable else None
    fetched = fetcher.fetch(source.url, folder.candidate, known=known, progress=progress)
    if fetched is None:
        return _unchanged(source, folder, state, terms)
    digest = _sha256(folder)
    signed = _check_signature(source, fetcher, folder, state, terms)
    serial = _check_serial(source, folder, signed, state, terms)
    entries = _check_content(settings, source, folder, state, terms)
    after = replace(
        without_problem(state, terms.at),
        url=source.url,
        etag=fetched.validators.etag,
        last_modified=fetched.validators.last_modified,
        sha256=digest,
        serial=serial,
        key_id=signed.key_id if signed else None,
        entries=entries,
        fetched_at=terms.at.isoformat(timespec="seconds"),
    )
    same = digest == state.sha256 and folder.good.exists()
    folder.promote(after)
    if same:
        return _unchanged(source, folder, after, terms)
    return SourceResult(
        source.name, source.kind, Outcome.NEW, _arrived(entries, fetched), after, True
    )


def _unchanged(
    source: SyncSource, folder: SourceFolder, state: SourceState, terms: Terms
) -> SourceResult:
    after = without_problem(state, terms.at)
    folder.remember(after)
    sentence = f"the copy of {state.fetched_at} is still the newest"
    back = state.problem is not None
    return SourceResult(source.name, source.kind, Outcome.UNCHANGED, sentence, after, back)


def _check_signature(
    source: SyncSource,
    fetcher: Fetcher,
    folder: SourceFolder,
    state: SourceState,
    terms: Terms,
) -> Signed | None:
    if source.signature == "ignored" or not source.public_keys:
        return None
    url = source.signature_url or source.url + ".minisig"
    try:
        fetcher.fetch(url, folder.signature, limit_bytes=SIGNATURE_BYTES)
    except NotThereError as missing:
        if source.signature == "required":
            raise ListError(f"no signature: {missing}") from missing
        if state.key_id is not None and not terms.force:
            raise ListError(f"the last one was signed, this one is not: {missing}") from missing
        return None
    keys = [load_public_key(key) for key in source.public_keys]
    signature = parse_signature(folder.signature.read_bytes(), url)
    return verify(folder.candidate, signature, keys, source.url)


def _check_serial(
    source: SyncSource,
    folder: SourceFolder,
    signed: Signed | None,
    state: SourceState,
    terms: Terms,
) -> int | None:
    """A signed list may not go back; without a signature anyone could write any number."""
    if signed is None:
        return state.serial
    serial = signed.serial
    if source.kind != "records":
        with folder.candidate.open("rb") as stream:
            own = read_entries(stream, source.url, terms.zone).serial
        serial = own if own is not None else serial
    if serial is None:
        raise ListError(f"{source.url}: signed, but without a serial number or timestamp")
    if state.serial is not None and serial < state.serial and not terms.force:
        raise ListError(f"{source.url}: serial {serial} is older than {state.serial} (replayed?)")
    return serial


def _check_content(
    settings: SyncSettings,
    source: SyncSource,
    folder: SourceFolder,
    state: SourceState,
    terms: Terms,
) -> int:
    with _looking_like_a_page(source, folder), folder.candidate.open("rb") as stream:
        entries = sum(1 for _ in entries_in(source, stream, terms.zone))
    if terms.force:
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


@contextmanager
def _looking_like_a_page(source: SyncSource, folder: SourceFolder) -> Iterator[None]:
    """Say plainly that a web page came instead of a list, as log-in pages do."""
    with folder.candidate.open("rb") as stream:
        start = stream.read(64).lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise ListError(f"{source.url}: a web page came instead of a list")
    yield


def _arrived(entries: int, fetched: Fetched) -> str:
    return f"{entries} entries, {fetched.bytes} bytes"


def _sha256(folder: SourceFolder) -> str:
    with folder.candidate.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
