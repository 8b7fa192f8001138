# SPDX-License-Identifier: Apache-2.0
"""Check a downloaded list: signature, what the signature states, serial, content, size.

Every check raises ListError (RecordError for records) with the reason; the caller then sets the
download aside.
"""

from __future__ import annotations

import hashlib
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO
from zoneinfo import ZoneInfo

from plategate.access.files.entries import read_entries
from plategate.access.files.vehicles import read_records
from plategate.access.store.changes import Inspect
from plategate.access.store.history import UNDO_DAYS
from plategate.access.store.lists import ListName
from plategate.access.sync.address import without_secrets
from plategate.access.sync.fetch import Fetcher, NotFoundError
from plategate.access.sync.signature import load_public_key, parse_signature, verify
from plategate.access.sync.source_state import SourceFolder, SourceState, open_own
from plategate.access.sync.statement import ANY_SITE, Statement, parse_statement
from plategate.errors import ListError
from plategate.settings.sync import SyncSettings, SyncSource

SIGNATURE_BYTES = 4_096


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """Options of one sync run.

    `at` is the wall time of the run and `who` its user, for the list history. `force` accepts
    empty, shrunk, expired and older lists, never unsigned ones. A dry run changes nothing.
    `undo_days` is access.list_undo_days. `erased` plates are left out of every list. `inspect` may
    read each changed list, also in a dry run.
    """

    at: datetime
    zone: ZoneInfo
    who: str
    force: bool = False
    dry_run: bool = False
    undo_days: int = UNDO_DAYS
    erased: Container[str] = ()
    inspect: Inspect | None = None


@dataclass(frozen=True, slots=True)
class Signed:
    """A verified signature of the download: the id of its key and what it states."""

    key_id: str
    statement: Statement


def check_signature(
    source: SyncSource,
    fetcher: Fetcher,
    folder: SourceFolder,
    file: Path,
    state: SourceState,
    options: SyncOptions,
) -> Signed | None:
    """Download the signature of `file` and verify it; None where the settings ask for none."""
    if source.signature == "ignored" or not source.public_keys:
        return None
    shown = without_secrets(source.url)
    url = source.signature_url or signature_address(source.url)
    try:
        fetcher.fetch(url, folder.signature, limit_bytes=SIGNATURE_BYTES)
    except NotFoundError as missing:
        if source.needs_signature:
            raise ListError(f"no signature: {missing}") from missing
        if state.key_id is not None:
            raise ListError(f"the last one was signed, this one is not: {missing}") from missing
        return None
    keys = [load_public_key(key) for key in source.public_keys]
    with open_own(folder.signature) as stream:
        signature = parse_signature(stream.read(), without_secrets(url))
    verified = verify(file, signature, keys, shown)
    statement = parse_statement(verified.trusted_comment, shown, options.zone)
    return Signed(verified.key_id, statement)


def signature_address(url: str) -> str:
    """Where the signature of a list is: the same address, `.minisig` added to its path."""
    path, question_mark, query = url.partition("?")
    return f"{path}.minisig{question_mark}{query}"


def check_statement(
    settings: SyncSettings,
    source: SyncSource,
    signed: Signed,
    state: SourceState,
    options: SyncOptions,
) -> None:
    """Check that the signature is for this list, this site and this day."""
    shown, statement = without_secrets(source.url), signed.statement
    if statement.list is not None and statement.list != source.kind:
        raise ListError(
            f"{shown}: was signed as the {statement.list} list, {source.kind} was expected"
        )
    named = settings.site and statement.sites and ANY_SITE not in statement.sites
    if named and settings.site not in statement.sites:
        sites = ", ".join(statement.sites)
        raise ListError(f"{shown}: was signed for site {sites}, this is {settings.site}")
    required: set[str] = set(source.signature_states)
    if not options.force:  # once stated, always stated: an older signature states less
        required |= {"list", "site"} & set(state.stated.split())
    for name in sorted(required - statement.stated):
        raise ListError(f"{shown}: the trusted comment of the signature must state {name}:")
    check_expiry(source, statement.expires, options)


def check_expiry(source: SyncSource, expires: datetime | None, options: SyncOptions) -> None:
    """Refuse a list whose signature has expired."""
    if expires is not None and options.at >= expires and not options.force:
        raise ListError(
            f"{without_secrets(source.url)}: expired at {expires.isoformat(timespec='minutes')};"
            " publish a list with a new signature"
        )


def check_serial(
    source: SyncSource,
    file: Path,
    signed: Signed | None,
    state: SourceState,
    options: SyncOptions,
) -> int | None:
    """The serial of a signed list, which must not decrease; unsigned serials prove nothing."""
    if signed is None:
        return state.serial
    shown, serial = without_secrets(source.url), signed.statement.serial
    if source.kind != "records":
        with open_own(file) as stream:
            own = read_entries(stream, shown, options.zone, values=False).serial
        serial = own if own is not None else serial
    if serial is None:
        raise ListError(f"{shown}: signed, but without a serial number or timestamp")
    if state.serial is not None and serial < state.serial and not options.force:
        raise ListError(f"{shown}: serial {serial} is older than {state.serial} (replayed?)")
    return serial


def check_content(
    settings: SyncSettings,
    source: SyncSource,
    folder: SourceFolder,
    state: SourceState,
    options: SyncOptions,
) -> int:
    """Read the whole file; returns the number of entries, which must not shrink too much."""
    shown = without_secrets(source.url)
    with open_own(folder.download) as stream:
        _refuse_web_page(stream, shown)
        entries = sum(1 for _ in entries_in(source, stream, options.zone))
    if options.force:
        return entries
    if entries == 0:
        raise ListError(f"{shown}: is empty")
    limit = settings.shrink_limit_percent
    if state.entries and entries * 100 < state.entries * (100 - limit):
        raise ListError(
            f"{shown}: shrank from {state.entries} to {entries} entries,"
            f" more than {limit} % (sync.shrink_limit_percent)"
        )
    return entries


def check_not_a_block_list(
    source: SyncSource, digest: str, others: Iterable[tuple[SyncSource, Path]]
) -> None:
    """Refuse an allow list that is, byte for byte, the last good copy of a block or wanted list."""
    if source.kind != "allow":
        return
    for other, good in others:
        if other.kind in ("block", "wanted") and good.is_file() and sha256_of(good) == digest:
            raise ListError(
                f"{without_secrets(source.url)}: is the {other.kind} list of source {other.name},"
                f" {source.kind} was expected"
            )


def entries_in(source: SyncSource, stream: BinaryIO, zone: ZoneInfo) -> Iterator[object]:
    """Entries or records of a list file; raises as `read_entries` and `read_records` do.

    The errors go to the system log, so they do not name the values.
    """
    shown = without_secrets(source.url)
    if source.kind == "records":
        yield from read_records(stream, shown, values=False).records
        return
    found = read_entries(stream, shown, zone, values=False)
    if found.list is not None and found.list is not ListName(source.kind):
        raise ListError(f"{shown}: is the {found.list} list, {source.kind} was expected")
    yield from found.entries


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file of a source folder."""
    with open_own(file) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _refuse_web_page(stream: BinaryIO, origin: str) -> None:
    """Name the usual mistake: a log-in page came instead of the list."""
    start = stream.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")
    stream.seek(0)
    if start.startswith(b"<"):
        raise ListError(f"{origin}: a web page came instead of a list")
