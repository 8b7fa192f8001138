# SPDX-License-Identifier: Apache-2.0
"""Receivers of notifications for tests: a real SMTP server and a real HTTP server."""

from __future__ import annotations

import email
import email.policy
import json
import socket
import ssl
import threading
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USER, PASSWORD = "gate", "geheim-4711"


class MailServer(Controller):
    """Takes mail of one user with a password, and remembers it; `refuse` answers with 451."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.logins: list[bool] = []
        self.refuse = False
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = int(free.getsockname()[1])
        super().__init__(
            self,
            hostname="127.0.0.1",
            port=port,
            authenticator=self._check,
            auth_require_tls=False,
        )
        self.start()

    @property
    def address(self) -> str:
        """The address of Apprise for this server."""
        return f"mailto://{USER}:{PASSWORD}@127.0.0.1:{self.port}/?to=anna@example.org&from=g@e.org"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.refuse:
            return "451 try later"
        content = envelope.content
        assert isinstance(content, bytes)
        found = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(found, EmailMessage)
        self.mails.append(found)
        return "250 taken"

    def _check(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        self.logins.append(right)
        return AuthResult(success=right)


class PushServer(ThreadingHTTPServer):
    """A web server that takes what ntfy and JSON receivers take; `answers` are used up first."""

    daemon_threads = True

    def __init__(self, certificates: Path | None = None) -> None:
        """With a folder of certificates, serve over TLS as `broker` of them."""
        super().__init__(("127.0.0.1", 0), _Handler)
        if certificates is not None:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(certificates / "broker.pem", certificates / "broker.key")
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.answers: list[int] = []
        self.received: list[tuple[str, dict[str, str], bytes]] = []
        self.asked = 0
        self.hold = threading.Event()
        self.hold.set()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.01,))
        self._thread.start()

    @property
    def address(self) -> str:
        """The address of Apprise for this server."""
        return f"json://127.0.0.1:{self.server_port}/"

    def json(self) -> list[dict[str, Any]]:
        """The bodies as JSON, in the order of their arrival."""
        return [json.loads(body) for _, _, body in list(self.received)]

    def stop(self) -> None:
        self.hold.set()
        self.shutdown()
        self._thread.join()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A child that is ended hangs up."""


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, PushServer)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        server.asked += 1
        server.hold.wait(30)
        status = server.answers.pop(0) if server.answers else 200
        if status == 200:
            headers = {k.lower(): v for k, v in self.headers.items()}
            server.received.append((self.path, headers, body))
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"id": "x"}')

    def log_message(self, *_: object) -> None:
        pass
