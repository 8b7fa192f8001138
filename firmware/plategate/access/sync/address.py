# SPDX-License-Identifier: Apache-2.0
"""Addresses of list sources: local paths, and a form without secrets."""

from __future__ import annotations

import hashlib
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from plategate.errors import SyncError

LONGEST_MESSAGE = 2_000  # characters of a server or file that a message quotes


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


def _parts(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError as error:
        raise SyncError(f"not an address: {error}") from error
