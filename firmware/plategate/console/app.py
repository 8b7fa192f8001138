# SPDX-License-Identifier: Apache-2.0
"""The console as an ASGI application: its routes, and the headers of every response."""

from __future__ import annotations

import time
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from plategate.console import (
    account_pages,
    aim_pages,
    alarm_pages,
    gate_pages,
    list_pages,
    passage_pages,
    plain_http,
    second_step_pages,
    settings_pages,
    token_pages,
    visit_pages,
)
from plategate.console.accounts import Right
from plategate.console.api.app import PREFIX, build_api, unknown_call
from plategate.console.guard import page
from plategate.console.lanes import SettingsSource
from plategate.console.metrics_page import MetricsPage
from plategate.console.site import ConsoleSite
from plategate.schedule.zone import site_zone
from plategate.settings import Settings

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self';"
        " connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # no-referrer would turn the Origin of our own forms to null
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def build_app(
    settings: Settings,
    *,
    secure: bool = True,
    now: Callable[[], float] = time.time,
    source: SettingsSource | None = None,
) -> Starlette:
    """The application; `secure` says that browsers reach it over HTTPS. Raises GateError.

    `source` reads the settings again for the settings page; by default they are `settings`.
    """
    zone = site_zone(settings.access.zone)
    site = ConsoleSite(settings, secure=secure, zone=zone, now=now, source=source)
    app = Starlette(routes=_routes(site), exception_handlers={404: _not_found, 405: _not_found})
    app.state.site = site
    app.add_middleware(_SecurityHeaders)
    return app


def _routes(site: ConsoleSite) -> list[Route | Mount]:
    gate, account, passage = gate_pages, account_pages, passage_pages
    pages = (
        ("/", gate.live, Right.LOOK),
        ("/passages", passage.passages, Right.PEOPLE),
        ("/passages/{passage_id}", passage.passage, Right.PEOPLE),
        ("/health", gate.health, Right.LOOK),
        ("/figures", passage.figures, Right.LOOK),
        ("/settings", settings_pages.settings, Right.LOOK),
        ("/settings/{key}", settings_pages.setting, Right.MANAGE),
        ("/aim", aim_pages.aim, Right.AIM),
        ("/alarms", alarm_pages.alarms, Right.LOOK),
        ("/account", account.show_account, Right.LOOK),
        ("/account/second-step", second_step_pages.show, Right.LOOK),
        ("/audit", account.audit, Right.MANAGE),
        ("/tokens", token_pages.show_tokens, Right.MANAGE),
        ("/ca", plain_http.show_ca, None),
        ("/ca.crt", plain_http.ca_file, None),
        ("/setup", account.show_setup, None),
        ("/login", account.show_login, None),
    )
    forms = (
        ("/command", gate.command, Right.COMMAND),
        ("/settings/{key}", settings_pages.change_setting, Right.MANAGE),
        ("/passages/{passage_id}/sample", passage.keep_sample, Right.LISTS),
        ("/alarms/acknowledge", alarm_pages.acknowledge, Right.COMMAND),
        ("/alarms/check", alarm_pages.check_journal, Right.LOOK),
        ("/aim/begin", aim_pages.begin, Right.AIM),
        ("/aim/end", aim_pages.end, Right.AIM),
        ("/aim/region", aim_pages.region, Right.MANAGE),
        ("/setup", account.setup, None),
        ("/login", account.login, None),
        ("/logout", account.logout, Right.LOOK),
        ("/account/second-step", second_step_pages.change, Right.LOOK),
        ("/account/password", account.change_password, Right.LOOK),
        ("/sessions/end", account.end_session, Right.LOOK),
        ("/accounts/save", account.save_account, Right.MANAGE),
        ("/accounts/remove", account.remove_account, Right.MANAGE),
        ("/tokens/add", token_pages.add_token, Right.MANAGE),
        ("/tokens/revoke", token_pages.revoke_token, Right.MANAGE),
    )
    return [
        Route("/aim/stream", page(Right.AIM, aim_pages.stream, polled=True), methods=["GET"]),
        Route("/aim/report", page(Right.AIM, aim_pages.report, polled=True), methods=["GET"]),
        Route("/live/{name}", page(Right.LOOK, gate.live_part, polled=True), methods=["GET"]),
        Route(
            "/passages/{passage_id}/{kind}",
            page(Right.PEOPLE, passage.picture, polled=True),
            methods=["GET"],
        ),
        *(Route(path, page(right, show), methods=["GET"]) for path, show, right in pages),
        *(Route(path, page(right, follow), methods=["POST"]) for path, follow, right in forms),
        Mount(PREFIX, build_api(site)),
        MetricsPage(site).route(),
        *list_pages.routes(),
        *visit_pages.routes(),
        Mount("/static", StaticFiles(packages=[("plategate.console", "static")])),
    ]


async def _not_found(request: Request, error: Exception) -> Response:
    del error
    if request.url.path.startswith(f"{PREFIX}/"):  # a line feed in it keeps it from the API's table
        return unknown_call(request)
    return PlainTextResponse("There is no such page.\n", 404)


class _SecurityHeaders:
    """Adds HEADERS to every response; pages are kept by no cache."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_static = scope["path"].startswith("/static/")

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "max-age=3600" if is_static else "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)
