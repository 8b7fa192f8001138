# SPDX-License-Identifier: Apache-2.0
"""Hashes of passwords and one-time codes (argon2id), one at a time."""

from __future__ import annotations

import secrets
import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# OWASP's second recommendation for argon2id: 19 MiB, two passes, one lane.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# Verified where there is nothing to compare with, so that the answer takes as long.
_NOTHING = _hasher.hash(secrets.token_urlsafe(16))
_hashing = threading.Lock()  # one at a time: each takes 19 MiB


def hashed(secret: str) -> str:
    """The hash to store of a password or code."""
    with _hashing:
        return _hasher.hash(secret)


def matches(secret: str, stored: str | None) -> bool:
    """Whether a secret is the one that was hashed; takes as long if nothing is stored (None)."""
    try:
        with _hashing:
            _hasher.verify(_NOTHING if stored is None else stored, secret)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None
