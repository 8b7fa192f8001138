# SPDX-License-Identifier: Apache-2.0
"""Run the console: certificate, one-time code of the first start, uvicorn, systemd's watchdog."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket

import anyio.to_thread
import uvicorn

from plategate.clock import SystemClock
from plategate.console.app import build_app
from plategate.console.certificate_files import certificate_of
from plategate.console.lanes import SettingsSource
from plategate.console.plain_http import serve_plain_http, server_config
from plategate.console.site import ConsoleSite
from plategate.console.visit_entries import keep_tidy
from plategate.errors import ConsoleError, reason_of
from plategate.health.monitor import Health, systemd_health
from plategate.settings import Settings
from plategate.settings.console import ConsoleSettings

logger = logging.getLogger(__name__)

MOST_CONNECTIONS = 64
IDLE_CONNECTION_S = 15
MOST_THREADS = 16  # a list change may hold one for minutes
# The process is ended if no request gets a thread for so long, or if the event loop stops.
THREADS = "threads"
NO_THREAD_S = 300.0
ASK_FOR_THREAD_EVERY_S = 5.0
TICKS_A_SECOND = 10  # of uvicorn


def run_console(settings: Settings, *, secure: bool, source: SettingsSource | None = None) -> None:
    """Serve until SIGTERM or Ctrl-C. Raises ConsoleError, StoreError, SettingsError."""
    health = systemd_health(SystemClock())
    server = make_server(settings, secure=secure, source=source, health=health)
    with listener_of(settings.console) as listener:
        keep_tidy(server.site)
        plain = serve_plain_http(settings.console) if secure else None
        server.run(sockets=[listener])
        if plain is not None:
            plain.should_exit = True


def listener_of(console: ConsoleSettings) -> socket.socket:
    """The listening socket of the settings."""
    is_ipv6 = ":" in console.address
    try:
        return socket.create_server(
            (console.address, console.port),
            family=socket.AF_INET6 if is_ipv6 else socket.AF_INET,
            dualstack_ipv6=is_ipv6 and console.address == "::",
        )
    except OSError as error:
        raise ConsoleError(
            f"console.address = {console.address!r}, console.port = {console.port}:"
            f" cannot listen there: {reason_of(error)}"
        ) from error


def make_server(
    settings: Settings,
    *,
    secure: bool,
    source: SettingsSource | None = None,
    health: Health | None = None,
) -> _Server:
    """A server that is ready to `run()`; without `secure` plain HTTP, on loopback only.

    `health` notifies systemd that the server runs; without it nothing is notified.

    Raises ConsoleError, StoreError, SettingsError.
    """
    console = settings.console
    if not secure and not is_loopback(console.address):
        raise ConsoleError(
            f"console.address = {console.address!r}: --http is for 127.0.0.1 and ::1 only,"
            " since passwords would cross the network unencrypted"
        )
    app = build_app(settings, secure=secure, source=source)
    site = app.state.site
    if not site.has_owner():
        logger.warning("the console has no owner yet: sudo plategate console code makes a code")
    files = certificate_of(console) if secure else (None, None)
    return _Server(
        site,
        health or Health(SystemClock(), lambda _: None),
        server_config(
            app,
            console,
            console.port,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_keep_alive=IDLE_CONNECTION_S,
            timeout_graceful_shutdown=3,
            ssl_certfile=files[0],
            ssl_keyfile=files[1],
        ),
    )


class _Server(uvicorn.Server):
    """A server whose handlers run in a few threads, since each thread opens its own databases.

    It feeds systemd's watchdog while the event loop runs and requests get threads.
    """

    def __init__(self, site: ConsoleSite, health: Health, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.site = site
        self._health = health
        self._asking: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        anyio.to_thread.current_default_thread_limiter().total_tokens = MOST_THREADS
        await super().startup(sockets)
        if self.started:
            self._health.watch(THREADS, NO_THREAD_S)
            self._asking = asyncio.create_task(self._ask_for_threads())
            self._health.ready()

    async def on_tick(self, counter: int) -> bool:
        if counter % TICKS_A_SECOND == 0:
            self._health.check()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._health.stopping()
        if self._asking is not None:
            self._asking.cancel()
        self.site.stop()
        await super().shutdown(sockets)
        self.site.database.close()

    async def _ask_for_threads(self) -> None:
        while True:
            await anyio.to_thread.run_sync(self._health.beat, THREADS)
            await asyncio.sleep(ASK_FOR_THREAD_EVERY_S)


def is_loopback(address: str) -> bool:
    """Whether an address can be reached from this machine only."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"
