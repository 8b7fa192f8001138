# SPDX-License-Identifier: Apache-2.0
"""One call of the API: who may make it, how often, and what its handler gets."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from plategate.console.account_pages import network_of
from plategate.console.api.problems import Problem, wrong_field
from plategate.console.guard import LONGEST_ADDRESS
from plategate.console.lanes import Lane
from plategate.console.site import ConsoleSite
from plategate.console.tokens import Scope, Token

CALLS_PER_S, CALLS_AT_ONCE = 20.0, 100.0
MOST_CALLERS = 200


@dataclass(frozen=True, slots=True)
class ApiCall:
    """A call whose token, scope, query and body have been checked."""

    site: ConsoleSite
    request: Request
    token: Token
    query: Any  # an instance of the route's `query`
    body: Any  # an instance of the route's `body`, or a SentFile
    address: str

    def path(self, name: str) -> str:
        """A part of the path."""
        return str(self.request.path_params[name])

    @property
    def lane(self) -> Lane:
        """The lane of the query or the body; the only one where they name none. Raises Problem."""
        name = getattr(self.body or self.query, "lane", None)
        found = self.site.lanes.named(name or "")
        if found is not None:
            return found
        known = ", ".join(self.site.lanes.names)
        if name is None:
            raise wrong_field("lane", None, f"this console has several lanes: name one of {known}")
        raise Problem("not_found", f"lane {name!r}: there is no such lane; there are {known}")

    @property
    def who(self) -> str:
        """The name of the caller in the journal and in the audit log."""
        return f"token:{self.token.name}"

    def note(self, what: str, detail: str = "") -> None:
        """Add a line to the audit log."""
        self.site.sessions.note(self.who, self.address, what, detail)


Handler = Callable[[ApiCall], Response]


@dataclass(frozen=True, slots=True)
class ApiRoute:
    """A row of the table that answers calls and makes the OpenAPI document.

    `path` is below /api/v1; `answers` maps a status to its schema (a name in `schemas`) or to media
    types; `problems` are those beyond the ones that follow from the other fields.
    """

    method: str
    path: str
    scope: Scope | None
    summary: str
    handler: Handler
    answers: dict[int, str | tuple[str, ...]]
    query: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    files: tuple[str, ...] = ()  # media types of a body that is a file
    problems: tuple[int, ...] = ()
    headers: tuple[tuple[str, str, bool], ...] = ()  # name, description, whether it is required


class CallLimit:
    """Token buckets: CALLS_PER_S on average and CALLS_AT_ONCE at once for each caller."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._callers: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str) -> None:
        """Count a call. Raises Problem where the caller has made too many."""
        with self._lock:
            now = self._now()
            left, at = self._callers.pop(caller, (CALLS_AT_ONCE, now))
            left = min(CALLS_AT_ONCE, left + (now - at) * CALLS_PER_S)
            self._callers[caller] = (left - 1.0 if left >= 1.0 else left, now)
            while len(self._callers) > MOST_CALLERS:
                self._callers.popitem(last=False)
        if left < 1.0:
            raise Problem(
                "too_many_requests",
                f"more than {CALLS_PER_S:.0f} calls a second; wait a second",
                headers={"Retry-After": "1"},
            )


def address_of(request: Request) -> str:
    """The address of the caller."""
    return (request.client.host if request.client else "unknown")[:LONGEST_ADDRESS]


def token_of(site: ConsoleSite, request: Request) -> Token:
    """The valid token of the header Authorization. Raises Problem.

    Cookies do not count: a browser sends them by itself, also for a foreign page. Wrong tokens are
    counted by network, so that they cannot fill the disk with failures; a valid one never waits.
    """
    given = request.headers.getlist("authorization")
    kind, _, secret = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    if kind.lower() != "bearer":
        raise _unauthorized("send the header Authorization: Bearer TOKEN", "")
    token = site.tokens.find(secret.strip())
    if token is not None:
        return token
    network, address = network_of(address_of(request)), address_of(request)
    if (wait_s := site.sessions.waiting_s(token=network)) > 0:
        raise Problem(
            "too_many_requests",
            "too many wrong tokens came from this address",
            headers={"Retry-After": f"{wait_s + 1:.0f}"},
        )
    site.sessions.failed(token=network)
    site.sessions.note("", address, "token_failed", request.url.path)
    detail = "the token is unknown, expired or revoked; an owner makes tokens on the page Account"
    raise _unauthorized(detail, ', error="invalid_token"')


def _unauthorized(detail: str, error: str) -> Problem:
    challenge = f'Bearer realm="plategate"{error}'
    return Problem("invalid_token", detail, headers={"WWW-Authenticate": challenge})


def need_scope(token: Token, scope: Scope) -> None:
    """Raise Problem where the token lacks a scope."""
    if scope not in token.scopes:
        has = ", ".join(sorted(token.scopes))
        raise Problem(
            "missing_scope", f"token {token.name} does not have the scope {scope}; it has: {has}"
        )


def json_answer(document: dict[str, Any], status: int = 200, **headers: str) -> JSONResponse:
    """A JSON object as the answer."""
    return JSONResponse(document, status, headers)


def page_answer(items: list[Any], following: str | None) -> JSONResponse:
    """A page of items, and the cursor of the next page."""
    return json_answer({"items": items, "next": following})
