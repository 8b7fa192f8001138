# SPDX-License-Identifier: Apache-2.0
"""A local web server with configurable misbehaviour."""

from __future__ import annotations

import gzip
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[BaseHTTPRequestHandler], None]


class Server(ThreadingHTTPServer):
    """Answers by path; `asked` holds path and headers of every request."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is part of many tests."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"

    def serve(self, path: str, body: bytes, etag: str | None = None) -> None:
        """Serve a file with a correct ETag and conditional requests."""
        self.answers[path] = _honest(body, etag or f'"{zlib.crc32(body):08x}"')


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        assert isinstance(self.server, Server)
        self.server.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
        answer = self.server.answers.get(self.path)
        if answer is None:
            plain(404, b"no such file")(self)
            return
        answer(self)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def plain(status: int, body: bytes = b"", **headers: str) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    return answer


def truncated(body: bytes, announced: int) -> Answer:
    """Send less than the announced length, then close."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(announced))
        request.end_headers()
        request.wfile.write(body)
        request.close_connection = True

    return answer


def endless(request: BaseHTTPRequestHandler) -> None:
    """Send rows without end."""
    request.send_response(200)
    request.send_header("Connection", "close")
    request.end_headers()
    request.close_connection = True
    try:
        while True:
            request.wfile.write(b"AB12CDE\n" * 4096)
    except OSError:
        pass  # the client closed the connection


def gzip_bomb(megabytes: int) -> Answer:
    """A few kilobytes that decompress to `megabytes`."""
    return plain(200, gzip.compress(b"0" * (megabytes << 20)), Content_Encoding="gzip")


def silent(released: threading.Event) -> Answer:
    """Accept the request and never answer."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        released.wait(120)
        request.close_connection = True

    return answer


def _honest(body: bytes, etag: str) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        if etag in request.headers.get("If-None-Match", ""):
            request.send_response(304)
            request.send_header("ETag", etag)
            request.end_headers()
            return
        plain(200, body, ETag=etag)(request)

    return answer
