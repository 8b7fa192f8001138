# SPDX-License-Identifier: Apache-2.0
"""Idempotency keys: a call that is sent again with its key gets the first answer again.

The gate and the list service follow an id once, also across restarts of the console. This memory
gives the answer again, and refuses a key that comes with another request.
"""

from __future__ import annotations

import hashlib
import threading
from base64 import urlsafe_b64encode
from collections import OrderedDict
from typing import Any

from plategate.console.api.call import ApiCall
from plategate.console.api.problems import Problem, wrong_field
from plategate.remote.protocol import REQUEST_ID

HEADER = "Idempotency-Key"
HEADERS = ((HEADER, "1 to 64 of A-Z a-z 0-9 _ -, new for each request", True),)
REPLAYED = {"Idempotent-Replayed": "true"}
REMEMBERED = 1000


class KeyMemory:
    """The newest REMEMBERED answers by caller and key; for any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: OrderedDict[tuple[str, str], tuple[str, Any]] = OrderedDict()

    def find(self, call: ApiCall) -> Any:
        """The answer to an earlier call with this key, or None. Raises Problem."""
        key = key_of(call)
        with self._lock:
            known = self._answers.get((call.token.name, key))
        if known is None:
            return None
        if known[0] != _request(call):
            raise Problem("key_used", f"{HEADER} {key} was used for another request")
        return known[1]

    def keep(self, call: ApiCall, answer: Any) -> None:
        """Remember the answer to a call."""
        with self._lock:
            self._answers[call.token.name, key_of(call)] = (_request(call), answer)
            while len(self._answers) > REMEMBERED:
                self._answers.popitem(last=False)


def key_memory(call: ApiCall) -> KeyMemory:
    """The memory of the API."""
    memory: KeyMemory = call.request.app.state.keys
    return memory


def key_of(call: ApiCall) -> str:
    """The key of a call. Raises Problem."""
    value = call.request.headers.get(HEADER)
    if value is None or not REQUEST_ID.fullmatch(value):
        raise wrong_field(
            f"header.{HEADER}", value, "must be 1 to 64 of the characters A-Z a-z 0-9 _ -"
        )
    return value


def request_id(call: ApiCall) -> str:
    """An id of token, key and request: the same for a call sent again, and for no other one."""
    named = "\0".join((call.token.name, key_of(call), _request(call)))
    return urlsafe_b64encode(hashlib.sha256(named.encode()).digest()).decode().rstrip("=")


def _request(call: ApiCall) -> str:
    return repr((call.request.method, call.request.url.path, call.query, call.body))
