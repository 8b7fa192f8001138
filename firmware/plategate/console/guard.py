# SPDX-License-Identifier: Apache-2.0
"""Guards every page: origin, size, session, role and form token are checked before its handler.

Handlers are plain functions in a thread of the pool; they get a PageRequest and return a Response.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar
from urllib.parse import parse_qsl, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response

from plategate.console.accounts import InputError, Right
from plategate.console.site import ConsoleSite, PageRequest
from plategate.errors import GateError, ListServiceError, printable

logger = logging.getLogger(__name__)

FORM_TYPE = "application/x-www-form-urlencoded"
LONGEST_FORM_BYTES, MOST_FIELDS = 16_384, 30
BEFORE_SETUP = frozenset({"/setup", "/ca", "/ca.crt"})  # what answers before the first owner
FORM_WITHIN_S = 10.0
UPLOAD_TYPE, UPLOAD_WITHIN_S = "multipart/form-data", 120.0
LONGEST_ADDRESS = 64
MOST_DIGITS = 15
LONGEST_SEARCH = 60

Item = TypeVar("Item")


class RefusedRequest(Exception):
    """A request that is answered with an error page; `key` names its sentence."""

    def __init__(self, status: int, key: str) -> None:
        super().__init__(key)
        self.status, self.key = status, key


Handler = Callable[[PageRequest], Response]
Endpoint = Callable[[Request], Awaitable[Response]]


def page(
    right: Right | None, handler: Handler, *, polled: bool = False, largest_file: int = 0
) -> Endpoint:
    """The endpoint of a handler that needs `right`; None: nobody has to be logged in.

    A request that a page makes by itself (`polled`) does not extend the session. With
    `largest_file`, the form has a file of at most that many bytes.
    """

    async def endpoint(request: Request) -> Response:
        site: ConsoleSite = request.app.state.site
        form: dict[str, str] = {}
        upload: tuple[str, bytes] | None = None
        try:
            if request.method == "POST" and largest_file:
                form, upload = await _form_with_file(request, largest_file)
            elif request.method == "POST":
                form = await _form(request)
        except RefusedRequest as refused:
            return site.error_page(_bare(site, request), refused.status, refused.key)
        asked = replace(_bare(site, request), form=form, upload=upload)
        return await run_in_threadpool(_answer, asked, right, handler, polled)

    return endpoint


def _answer(asked: PageRequest, right: Right | None, handler: Handler, polled: bool) -> Response:
    site, request = asked.site, asked.request
    try:
        if not site.has_owner() and request.url.path not in BEFORE_SETUP:
            return RedirectResponse("/setup", status_code=303)
        session = site.sessions.find(request.cookies.get(site.cookie, ""), used=not polled)
        asked = replace(asked, session=session)
        if right is not None and session is None:
            return _to_login(request)
        _check_session(asked, right)
        return handler(asked)
    except RefusedRequest as refused:
        return site.error_page(asked, refused.status, refused.key)
    except InputError as error:
        return site.error_page(asked, 400, error.key)
    except GateError as error:
        logger.warning("%s: %s", handler.__name__, error)
        key = "list_service" if isinstance(error, ListServiceError) else "gate"
        return site.error_page(asked, 503, key, detail=str(error))


def _to_login(request: Request) -> Response:
    # A page that reloads a part of itself follows the header; a browser the redirect.
    if "hx-request" in request.headers:
        return Response(status_code=401, headers={"HX-Redirect": "/login"})
    return RedirectResponse("/login", status_code=303)


def _check_session(asked: PageRequest, right: Right | None) -> None:
    """Check role and form token of somebody who is logged in."""
    session = asked.session
    if session is None:
        return
    if right is not None and right not in session.role.rights:
        path = asked.request.url.path
        asked.site.sessions.note(session.account, asked.address, "forbidden", path)
        raise RefusedRequest(403, "forbidden")
    if asked.request.method == "POST":
        given = asked.form.get("csrf", "")
        if right is not None and not hmac.compare_digest(given.encode(), session.csrf.encode()):
            raise RefusedRequest(403, "form_token")


def _bare(site: ConsoleSite, request: Request) -> PageRequest:
    """The request before anybody is known."""
    address = request.client.host if request.client else "unknown"
    language = site.language_of(request.headers.get("accept-language", ""))
    return PageRequest(site, request, {}, None, language, address[:LONGEST_ADDRESS])


async def _form(request: Request) -> dict[str, str]:
    if not _same_origin(request):
        raise RefusedRequest(403, "other_origin")
    if request.headers.get("content-type", "").partition(";")[0].strip() != FORM_TYPE:
        raise RefusedRequest(415, "form_type")
    try:
        body = await limited_body(request)
        fields = parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, max_num_fields=MOST_FIELDS,
            encoding="utf-8", errors="strict",
        )  # fmt: skip
    except (ValueError, ClientDisconnect):
        raise RefusedRequest(400, "form_type") from None
    return dict(fields)


async def limited_body(
    request: Request, longest: int = LONGEST_FORM_BYTES, within_s: float = FORM_WITHIN_S
) -> bytes:
    """The body, if it is not too large and arrives in time. Raises RefusedRequest."""
    try:
        return await asyncio.wait_for(_body(request, longest), within_s)
    except TimeoutError:
        raise RefusedRequest(408, "too_slow") from None


async def _form_with_file(
    request: Request, largest_file: int
) -> tuple[dict[str, str], tuple[str, bytes] | None]:
    """The fields of a form, and name and content of its file; None if no file was chosen."""
    if not _same_origin(request):
        raise RefusedRequest(403, "other_origin")
    if request.headers.get("content-type", "").partition(";")[0].strip() != UPLOAD_TYPE:
        raise RefusedRequest(415, "form_type")
    length = whole_number(request.headers.get("content-length", ""))
    if length is None:
        raise RefusedRequest(411, "form_type")
    if length > largest_file + LONGEST_FORM_BYTES:
        raise RefusedRequest(413, "too_large")
    fields: dict[str, str] = {}
    upload: tuple[str, bytes] | None = None
    try:
        async with (
            asyncio.timeout(UPLOAD_WITHIN_S),
            request.form(
                max_files=1, max_fields=MOST_FIELDS, max_part_size=LONGEST_FORM_BYTES
            ) as form,
        ):
            for name, value in form.multi_items():
                if isinstance(value, str):
                    fields[name] = value
                elif value.filename:
                    upload = value.filename, await value.read()
    except TimeoutError:
        raise RefusedRequest(408, "too_slow") from None
    except (HTTPException, MultiPartException, ClientDisconnect):
        raise RefusedRequest(400, "form_type") from None
    return fields, upload


async def _body(request: Request, longest: int) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > longest:
            raise RefusedRequest(413, "too_large")
    return bytes(body)


def _same_origin(request: Request) -> bool:
    """Whether the browser says that a page of this console sent the form; silence is a no."""
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    if site is not None and site != "same-origin":
        return False
    if origin is None:
        return site == "same-origin"
    parts = urlsplit(origin)
    host = request.headers.get("host", "")
    return bool(host) and (parts.scheme, parts.netloc) == (request.url.scheme, host)


def text_field(form: dict[str, str], name: str, longest: int) -> str:
    """A field as printable text, cut after `longest` characters; "" where it is missing."""
    return printable(form.get(name, "").strip())[:longest]


def whole_number(text: str) -> int | None:
    """The number that decimal digits name; None for any other text, and beyond MOST_DIGITS."""
    is_number = text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS
    return int(text) if is_number else None


def number_field(text: str) -> int | None:
    """A sequence number or offset of the address line; None where there is none."""
    if not text:
        return None
    if (number := whole_number(text)) is None:
        raise RefusedRequest(400, "search")
    return number


def or_sentence(read: Callable[[], list[Item]]) -> tuple[list[Item], str]:
    """What is read, or nothing and the sentence why."""
    try:
        return read(), ""
    except GateError as error:
        return [], str(error)
