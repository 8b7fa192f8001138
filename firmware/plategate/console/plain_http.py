# SPDX-License-Identifier: Apache-2.0
"""The CA of the console before any login: its page, its file, and a port of plain HTTP.

Plain HTTP serves the file of the CA and redirects everything else to HTTPS; no page, form or cookie
is served there.
"""

from __future__ import annotations

import logging
import re
import threading
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from plategate.console.certificate_files import CA_FILE, fingerprint
from plategate.console.guard import RefusedRequest
from plategate.console.site import PageRequest
from plategate.errors import ConsoleError
from plategate.settings.console import ConsoleSettings

logger = logging.getLogger(__name__)

CA_TYPE = "application/x-x509-ca-cert"
HOST = re.compile(r"[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]", re.ASCII)
MOST_CONNECTIONS = 16


def show_ca(asked: PageRequest) -> Response:
    """The fingerprint of the CA, and how to install it."""
    file = _ca(asked)
    url, port = asked.request.url, asked.site.settings.http_port
    host = f"[{url.hostname}]" if ":" in str(url.hostname) else url.hostname
    # The file over plain HTTP: a phone that does not know the CA would warn of the page.
    link = f"http://{host}:{port}/{CA_FILE}" if port else f"{url.scheme}://{url.netloc}/ca"
    return asked.site.render(asked, "ca.html", fingerprint=fingerprint(file), link=link)


def ca_file(asked: PageRequest) -> Response:
    """The certificate of the CA."""
    return _download(_ca(asked))


def plain_app(console: ConsoleSettings) -> Starlette:
    """What the port of plain HTTP serves."""
    file = console.state_dir / CA_FILE

    def ca(request: Request) -> Response:
        del request
        if console.certificate is not None or not file.is_file():
            return PlainTextResponse("This console has no CA of its own.\n", 404)
        return _download(file)

    def redirect(request: Request) -> Response:
        host = request.headers.get("host", "")
        name = host if host.endswith("]") else host.rpartition(":")[0] or host
        if not HOST.fullmatch(name):
            return PlainTextResponse("The Host header names no host.\n", 400)
        path = request.scope["raw_path"].decode("ascii", "replace")
        target = f"https://{name}:{console.port}/{path.lstrip('/')}"
        return RedirectResponse(target, status_code=308)

    return Starlette(
        routes=[
            Route("/ca.crt", ca, methods=["GET"]),
            Route("/{path:path}", redirect, methods=["GET"]),
        ]
    )


def server_config(app: Any, console: ConsoleSettings, port: int, **options: Any) -> uvicorn.Config:
    """How uvicorn serves an application; `options` are what HTTPS and plain HTTP do differently."""
    return uvicorn.Config(
        app,
        host=console.address,
        port=port,
        http="h11",
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        **options,
    )


def serve_plain_http(console: ConsoleSettings) -> uvicorn.Server | None:
    """Serve plain HTTP from a thread of its own; None where the settings name no port."""
    if not console.http_port:
        return None
    app, port = plain_app(console), console.http_port
    server = uvicorn.Server(
        server_config(app, console, port, limit_concurrency=MOST_CONNECTIONS, timeout_keep_alive=5)
    )
    threading.Thread(target=_run, args=(server,), name="plain-http", daemon=True).start()
    return server


def _run(server: uvicorn.Server) -> None:
    try:
        server.run()
    except SystemExit:
        port = server.config.port
        logger.warning("console.http_port = %d: cannot listen there; HTTPS goes on", port)


def _ca(asked: PageRequest) -> Path:
    settings = asked.site.settings
    file = settings.state_dir / CA_FILE
    if settings.certificate is not None or not file.is_file():
        raise RefusedRequest(404, "not_found")
    return file


def _download(file: Path) -> Response:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ConsoleError(f"{file}: {error.strerror}") from error
    disposition = {"Content-Disposition": 'attachment; filename="plategate-ca.crt"'}
    return Response(content, media_type=CA_TYPE, headers=disposition)
