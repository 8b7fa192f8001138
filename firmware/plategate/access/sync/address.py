# SPDX-License-Identifier: Apache-2.0
"""Addresses of list sources: local paths, a form without secrets, printable text."""

from __future__ import annotations

import hashlib
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from plategate.errors import SyncError

LONGEST_MESSAGE = 2_000


def local_path(url: str) -> Path | None:
    """The path of a file:// address or a plain path; None for an address on the network."""
    parts = _parts(url)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return Path(url) if parts.scheme == "" else None


def without_secrets(url: str) -> str:
    """The address for messages: without user, password, query values and fragment."""
    try:
        parts = _parts(url)
    except SyncError:
        return "(invalid address)"
    if not parts.scheme or not parts.netloc:
        return url
    query = "..." if parts.query else ""
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, ""))


def address_id(url: str) -> str:
    """A short hash that tells addresses apart without storing them; user and password excluded."""
    parts = _parts(url)
    bare = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    return hashlib.sha256(bare.encode()).hexdigest()[:16]


def printable(text: str) -> str:
    """Text that may hold bytes of a server or of a file, safe for a terminal and a log line."""
    clean = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    return clean if len(clean) <= LONGEST_MESSAGE else clean[:LONGEST_MESSAGE] + " ..."


def _parts(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError as error:
        raise SyncError(f"not an address: {error}") from error
