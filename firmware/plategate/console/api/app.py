# SPDX-License-Identifier: Apache-2.0
"""The API as an ASGI application, made from the table of routes.

Every call passes the same checks in the same order: a valid token, its rate, its scope, the query,
the body. Handlers are plain functions in a thread of the pool.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections import defaultdict
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from plategate.console.accounts import InputError
from plategate.console.api.bodies import SentFile
from plategate.console.api.call import (
    ApiCall,
    ApiRoute,
    CallLimit,
    address_of,
    need_scope,
    token_of,
)
from plategate.console.api.inputs import query_values
from plategate.console.api.keys import KeyMemory
from plategate.console.api.problems import Problem, wrong_fields
from plategate.console.api.routes import ROUTES
from plategate.console.api.stream import EventFeed
from plategate.console.guard import (
    FORM_WITHIN_S,
    LONGEST_FORM_BYTES,
    UPLOAD_WITHIN_S,
    RefusedRequest,
    limited_body,
)
from plategate.console.list_files import LARGEST_FILE
from plategate.console.site import ConsoleSite
from plategate.console.tokens import Token
from plategate.errors import GateError, printable

logger = logging.getLogger(__name__)

PREFIX = "/api/v1"
DOCUMENT = "/openapi.json"
BODY_TYPE = "application/json"
LONGEST_PATH = 200
_BODY_PROBLEMS = {
    408: ("too_slow", "the body did not arrive in time"),
    413: ("too_large", "the body is too large"),
}


def build_api(site: ConsoleSite) -> Starlette:
    """The application below PREFIX."""
    by_path: defaultdict[str, dict[str, ApiRoute]] = defaultdict(dict)
    for row in ROUTES:
        by_path[row.path][row.method] = row
    routes = [_route(path, rows) for path, rows in by_path.items()]
    routes.append(_without_head(Route(DOCUMENT, _openapi, methods=["GET"])))
    api = Starlette(routes=routes, exception_handlers={404: _not_found, 405: _wrong_method})
    api.state.site = site
    api.state.limit = CallLimit()
    api.state.keys = KeyMemory()
    api.state.one_file = asyncio.Lock()
    api.state.feeds = {lane.name: EventFeed(lane.gate) for lane in site.lanes.all}
    site.at_stop.extend(feed.wake_all for feed in api.state.feeds.values())
    return api


def _route(path: str, rows: dict[str, ApiRoute]) -> Route:
    async def endpoint(request: Request) -> Response:
        return await _answer(request, rows[request.method])

    return _without_head(Route(path, endpoint, methods=list(rows)))


def _without_head(route: Route) -> Route:
    """HEAD on a stream of events would never end; no caller needs it elsewhere."""
    if route.methods is not None:
        route.methods.discard("HEAD")
    return route


async def _answer(request: Request, row: ApiRoute) -> Response:
    site: ConsoleSite = request.app.state.site
    try:
        token = await run_in_threadpool(_authorized, site, request, row)
        query = _query(request, row)
        call = ApiCall(site, request, token, query, None, address_of(request))
        if row.files:
            return await _answer_to_file(call, row)
        if row.body is not None:
            call = replace(call, body=await _body(request, row.body))
        return await run_in_threadpool(row.handler, call)
    except Problem as problem:
        return problem.response()
    except InputError as error:
        return Problem("invalid_input", error.key.replace("_", " ")).response()
    except GateError as error:
        logger.warning("%s: %s", request.url.path, error)
        return Problem("unavailable", str(error)).response()
    except Exception:
        logger.exception("%s %s failed", request.method, request.url.path)
        detail = "the console failed; its log has the details"
        return Problem("failed", detail).response()


def _authorized(site: ConsoleSite, request: Request, row: ApiRoute) -> Token:
    if not site.has_owner():
        raise Problem("no_owner", "the console has no owner yet; open its page /setup first")
    token = token_of(site, request)
    request.app.state.limit.take(token.name)
    if row.scope is not None:
        need_scope(token, row.scope)
    return token


def _query(request: Request, row: ApiRoute) -> Any:
    values = query_values(request.query_params.multi_items())
    if row.query is None:
        if values:
            name = next(iter(values))
            raise Problem("invalid_input", f"query.{name}: this call has no query")
        return None
    try:
        return row.query.model_validate(values)
    except ValidationError as error:
        raise wrong_fields("query", error) from None


async def _answer_to_file(call: ApiCall, row: ApiRoute) -> Response:
    """The answer to a call with a file; one at a time, for the sake of the memory."""
    one_file: asyncio.Lock = call.request.app.state.one_file
    if one_file.locked():
        detail = "another file is being read; send it again in a moment"
        raise Problem("too_many_requests", detail, headers={"Retry-After": "5"})
    async with one_file:
        kind = _content_type(call.request, row.files)
        content = await _content(call.request, LARGEST_FILE, UPLOAD_WITHIN_S)
        body = SentFile(kind, content, hashlib.sha256(content).hexdigest())
        return await run_in_threadpool(row.handler, replace(call, body=body))


def _content_type(request: Request, allowed: tuple[str, ...]) -> str:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in allowed:
        detail = f"content-type {kind[:80]!r}: must be {' or '.join(allowed)}"
        raise Problem("wrong_content_type", detail)
    return kind


async def _body(request: Request, model: type[BaseModel]) -> Any:
    _content_type(request, (BODY_TYPE,))
    content = await _content(request, LONGEST_FORM_BYTES, FORM_WITHIN_S)
    try:
        return model.model_validate_json(content, strict=True)
    except ValidationError as error:
        raise wrong_fields("body", error) from None


async def _content(request: Request, longest: int, within_s: float) -> bytes:
    try:
        return await limited_body(request, longest, within_s)
    except RefusedRequest as refused:
        raise Problem(*_BODY_PROBLEMS[refused.status]) from None
    except ClientDisconnect:
        raise Problem("too_slow", "the connection ended before the body did") from None


async def _openapi(request: Request) -> Response:
    del request
    # Loaded with its schemas when somebody asks for it (scripts/console_cost).
    from plategate.console.api.openapi import document_response

    return document_response(PREFIX)


def unknown_call(request: Request) -> Response:
    """The answer to a path that is not in the table."""
    path = printable(request.url.path, LONGEST_PATH)
    detail = f"{path}: there is no such call; {PREFIX}{DOCUMENT} lists all"
    return Problem("not_found", detail).response()


async def _not_found(request: Request, error: Exception) -> Response:
    del error
    return unknown_call(request)


async def _wrong_method(request: Request, error: Exception) -> Response:
    headers = error.headers if isinstance(error, HTTPException) else None
    detail = f"{request.method[:20]}: this call has another method, see the header Allow"
    return Problem("wrong_method", detail, headers=dict(headers or {})).response()
