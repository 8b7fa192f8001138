# SPDX-License-Identifier: Apache-2.0
"""/metrics: for a program on this machine, or with a token of the scope metrics.

What came through a proxy on this machine is not from this machine. The metrics library is loaded
at the first scrape; until then the events since the start wait in the journal.
"""

from __future__ import annotations

import ipaddress
import logging
import threading
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from plategate.console.api.call import CallLimit, address_of, need_scope, token_of
from plategate.console.api.problems import Problem
from plategate.console.site import ConsoleSite
from plategate.console.tokens import Scope
from plategate.errors import GateError

if TYPE_CHECKING:
    from plategate.console.metrics import GateMetrics

logger = logging.getLogger(__name__)

PATH = "/metrics"
LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")
PROXY_HEADERS = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")


class MetricsPage:
    """Answers scrapes of one console."""

    def __init__(self, site: ConsoleSite) -> None:
        self._site = site
        self._limit = CallLimit()
        self._lock = threading.Lock()
        self._metrics: GateMetrics | None = None
        self._start = {lane.name: lane.position() for lane in site.lanes.all}

    def route(self) -> Route:
        """The route of PATH."""
        return Route(PATH, self._answer, methods=["GET"])

    async def _answer(self, request: Request) -> Response:
        return await run_in_threadpool(self._scrape, request)

    def _scrape(self, request: Request) -> Response:
        try:
            self._check(request)
            metrics = self._loaded()
            return Response(metrics.text(self._site.now()), media_type=metrics.content_type)
        except Problem as problem:
            return problem.response()
        except GateError as error:
            logger.warning("%s: %s", PATH, error)
            return Problem("unavailable", str(error)).response()

    def _check(self, request: Request) -> None:
        if not self._site.has_owner():
            raise Problem("no_owner", "the console has no owner yet; open its page /setup first")
        if "authorization" in request.headers or not is_local(request):
            token = token_of(self._site, request)
            self._limit.take(token.name)
            need_scope(token, Scope.METRICS)
        else:
            self._limit.take("local")

    def _loaded(self) -> GateMetrics:
        with self._lock:
            if self._metrics is None:
                from plategate.console.metrics import GateMetrics

                self._metrics = GateMetrics(self._site.lanes, self._start)
            return self._metrics


def is_local(request: Request) -> bool:
    """Whether a program on this machine asks by a local name, and not through a proxy."""
    try:
        address = ipaddress.ip_address(address_of(request))
    except ValueError:
        return False
    host = request.headers.get("host", "").rsplit(":", 1)[0]
    through_proxy = any(name in request.headers for name in PROXY_HEADERS)
    return address.is_loopback and host in LOCAL_NAMES and not through_proxy
