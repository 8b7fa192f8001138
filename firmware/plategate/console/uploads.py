# SPDX-License-Identifier: Apache-2.0
"""Uploaded list files that wait to be confirmed: in memory, each for the login that sent it."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from plategate.access.store.lists import ListName


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that waits to be confirmed, and how it is to be read."""

    session: str
    at: float
    list: ListName
    file: str
    content: bytes
    options: dict[str, Any]


class Uploads:
    """The files that wait to be confirmed: at most MOST, each for VALID_FOR_S; for any thread."""

    MOST = 3
    VALID_FOR_S = 900.0

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._kept: OrderedDict[str, Upload] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, upload: Upload) -> str:
        """Keep a file; returns the token that its confirmation names."""
        token = secrets.token_urlsafe(12)
        with self._lock:
            self._forget_old()
            while len(self._kept) >= self.MOST:
                self._kept.popitem(last=False)
            self._kept[token] = upload
        return token

    def find(self, token: str, session: str) -> Upload | None:
        """The file of a token, if this login sent it and it is not too old."""
        with self._lock:
            self._forget_old()
            found = self._kept.get(token)
        return found if found is not None and found.session == session else None

    def _forget_old(self) -> None:
        now = self._now()
        for token in [t for t, kept in self._kept.items() if abs(now - kept.at) > self.VALID_FOR_S]:
            del self._kept[token]
