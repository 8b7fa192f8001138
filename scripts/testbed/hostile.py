# SPDX-License-Identifier: Apache-2.0
"""Misbehaviours of a web server that a list sync must survive, each with the outcome it must have.

Used by scripts/hostile_sync and by the tests. Time limits of the client are assumed to be short.
"""

from __future__ import annotations

import gzip
import socket
import struct
import time
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler

from scripts.testbed.web_server import Answer, endless, plain, truncated

GOOD = b"plate\nAB1CDE\nAB2CDE\n"
HONEST = b"plate\nXY1CDE\nXY2CDE\n"
MANY = 100_000
PAUSE_S = 0.2
ESCAPES = "\x1b[2J\x1b]0;title\x07\u202e"


@dataclass(frozen=True)
class Behaviour:
    """One misbehaviour: the answer, and the outcome that its source must have."""

    answer: Answer
    outcome: str
    slow: bool = False  # ends only at the time limit


def raw(*chunks: bytes, pause_s: float = 0.0, reset: bool = False) -> Answer:
    """Send bytes as they are, without any HTTP of the server's own, then close or reset."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.close_connection = True
        try:
            for chunk in chunks:
                request.wfile.write(chunk)
                time.sleep(pause_s)
            if reset:
                linger = struct.pack("ii", 1, 0)
                request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        except OSError:
            pass  # the client closed the connection

    return answer


def repeated(start: bytes, part: Callable[[int], bytes], pause_s: float, count: int) -> Answer:
    """Send `start`, then `count` parts with a pause after each."""

    def parts() -> Iterable[bytes]:
        yield start
        for number in range(count):
            yield part(number)

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.close_connection = True
        try:
            for chunk in parts():
                request.wfile.write(chunk)
                request.wfile.flush()
                if pause_s:
                    time.sleep(pause_s)
        except OSError:
            pass

    return answer


def later(answer: Answer) -> Answer:
    """Answer after a pause."""

    def delayed(request: BaseHTTPRequestHandler) -> None:
        time.sleep(4 * PAUSE_S)
        answer(request)

    return delayed


def status_line(line: str) -> Answer:
    return raw(line.encode("latin-1", "replace") + b"\r\nContent-Length: 0\r\n\r\n")


def packed(content: bytes, encoding: str = "gzip") -> Answer:
    return plain(200, content, Content_Encoding=encoding)


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
LENGTH = OK + b"Content-Length: 4000\r\n\r\n"
LOOP = "/bad"
HINTS = b"HTTP/1.1 103 Early Hints\r\n\r\n"
CHUNK = b"1000\r\n" + b"A" * 4096 + b"\r\n"
# A gzip header; the bytes that follow in the test are a stored block of 257 bytes.
GZIP_START = OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"")[:10] + b"\0\1\1\xfe\xfe"
TWO_MEMBERS = gzip.compress(GOOD) + gzip.compress(b"AB3CDE\n")
WANTED = (
    b'{"format": "plategate-list", "version": 1, "list": "wanted", "entries": [{"plate": "AB1"}]}'
)


def unreachable(answer: Answer) -> Behaviour:
    return Behaviour(answer, "unreachable")


def endless_wait(answer: Answer) -> Behaviour:
    return Behaviour(answer, "unreachable", slow=True)


def set_aside(answer: Answer) -> Behaviour:
    return Behaviour(answer, "set aside")


def accepted(answer: Answer) -> Behaviour:
    return Behaviour(answer, "new")


BEHAVIOURS: dict[str, Behaviour] = {
    # time
    "body drips": endless_wait(repeated(LENGTH + b"plate\n", lambda _: b"\n", PAUSE_S, 600)),
    "chunks drip": endless_wait(repeated(CHUNKED, lambda _: b"1\r\nA\r\n", PAUSE_S, 600)),
    "headers drip": endless_wait(repeated(OK, lambda n: b"X-%d: a\r\n" % n, PAUSE_S, 600)),
    "one header drips": endless_wait(repeated(OK + b"X: ", lambda _: b"a", PAUSE_S, 600)),
    "status line drips": endless_wait(repeated(b"", lambda _: b"H", PAUSE_S, 600)),
    "informational answers drip": endless_wait(
        repeated(b"", lambda _: b"HTTP/1.1 103 Early Hints\r\n\r\n", PAUSE_S, 600)
    ),
    "gzip drips": endless_wait(repeated(GZIP_START, lambda _: b"A", PAUSE_S, 600)),
    "silent": endless_wait(raw(b"", pause_s=60 * PAUSE_S)),
    "silent after the headers": endless_wait(raw(LENGTH, pause_s=60 * PAUSE_S)),
    "redirects slowly": endless_wait(later(plain(302, Location=LOOP))),
    "busy for an hour": unreachable(plain(503, Retry_After="3600")),
    # endless
    "endless body": unreachable(endless),
    "endless chunks": unreachable(
        repeated(CHUNKED, lambda _: CHUNK, 0, MANY)
    ),
    "endless headers": unreachable(repeated(OK, lambda n: b"X-%d: a\r\n" % n, 0, MANY)),
    "one endless header": unreachable(repeated(OK + b"X: ", lambda _: b"a" * 4096, 0, MANY)),
    "endless redirects": unreachable(plain(302, Location=LOOP)),
    "endless informational answers": endless_wait(
        repeated(b"", lambda _: b"HTTP/1.1 100 Continue\r\n\r\n", 0, 10 * MANY)
    ),
    "endless chunk size": unreachable(repeated(CHUNKED, lambda _: b"0" * 4096, 0, MANY)),
    # redirects
    "redirect to a file": unreachable(plain(302, Location="file:///etc/passwd")),
    "redirect to ftp": unreachable(plain(307, Location="ftp://127.0.0.1/list")),
    "redirect to another host without TLS": unreachable(
        plain(301, Location="http://192.0.2.1/list")
    ),
    "redirect to no address": unreachable(plain(302, Location="http://[bad")),
    "redirect without Location": unreachable(plain(302)),
    "redirect to a closed port": unreachable(plain(308, Location="http://127.0.0.1:1/")),
    # status
    "304 first": unreachable(plain(304)),
    "203": unreachable(plain(203, GOOD)),
    "204": unreachable(plain(204)),
    "206": unreachable(plain(206, GOOD[:12])),
    "401": unreachable(plain(401)),
    "404": unreachable(plain(404)),
    "410": unreachable(plain(410)),
    "500": unreachable(plain(500, GOOD)),
    "status 999": unreachable(status_line("HTTP/1.1 999 Odd")),
    "status 000": unreachable(status_line("HTTP/1.1 000 None")),
    "status text": unreachable(status_line("HTTP/1.1 OK OK")),
    "escapes in the reason phrase": unreachable(status_line(f"HTTP/1.1 404 {ESCAPES}")),
    # protocol
    "closes at once": unreachable(raw()),
    "resets": unreachable(raw(LENGTH + b"plate\n", reset=True)),
    "not HTTP": unreachable(raw(b"SSH-2.0-OpenSSH_9.2\r\n")),
    "HTTP/0.9": unreachable(raw(GOOD)),
    "binary": unreachable(raw(bytes(range(256)) * 20)),
    "shorter than announced": unreachable(truncated(GOOD, 5000)),
    "chunks cut short": unreachable(raw(CHUNKED + b"5\r\nplate\r\n")),
    "bad chunk size": unreachable(raw(CHUNKED + b"xyz\r\nplate\r\n0\r\n\r\n")),
    "two lengths": unreachable(raw(OK + b"Content-Length: 20\r\nContent-Length: 6\r\n\r\n" + GOOD)),
    "negative length": unreachable(raw(OK + b"Content-Length: -1\r\n\r\n" + GOOD)),
    "length beyond the limit": unreachable(raw(OK + b"Content-Length: 99999999999\r\n\r\n" + GOOD)),
    "header without colon": unreachable(raw(OK + b"nonsense\r\n\r\n" + GOOD)),
    # encoding
    "gzip bomb": unreachable(packed(gzip.compress(b"0" * 50_000_000))),
    "gzip of blank lines": unreachable(packed(gzip.compress(b"plate\n" + b"\n" * 50_000_000))),
    "gzip cut short": unreachable(packed(gzip.compress(GOOD)[:-6])),
    "gzip with a wrong sum": unreachable(packed(gzip.compress(GOOD)[:-8] + b"\1" * 8)),
    "gzip and rubbish": unreachable(packed(gzip.compress(GOOD) + b"rubbish")),
    "second gzip member cut short": unreachable(
        packed(gzip.compress(GOOD) + gzip.compress(b"AB3CDE\n")[:-4])
    ),
    "two gzip members": accepted(packed(TWO_MEMBERS)),
    "gzip and zero padding": accepted(packed(gzip.compress(GOOD) + b"\0" * 512)),
    "gzip in gzip": set_aside(packed(gzip.compress(gzip.compress(GOOD)))),
    "not gzip": unreachable(packed(GOOD)),
    "raw deflate": unreachable(packed(zlib.compress(GOOD)[2:-4], "deflate")),
    "brotli": unreachable(packed(GOOD, "br")),
    "two encodings": unreachable(packed(gzip.compress(GOOD), "gzip, identity")),
    # content
    "nothing": set_aside(plain(200)),
    "a header alone": set_aside(plain(200, b"plate,holder\n")),
    "a web page": set_aside(plain(200, b"<!DOCTYPE html><title>Log in</title>")),
    "a web page after a comment": set_aside(plain(200, b"\n <!-- x --><html></html>")),
    "an error in JSON": set_aside(plain(200, b'{"error": "token expired"}')),
    "JSON nested 100,000 deep": set_aside(plain(200, b'{"entries":' + b"[" * MANY)),
    "the list of another kind": set_aside(plain(200, WANTED)),
    "UTF-16": set_aside(plain(200, GOOD.decode().encode("utf-16"))),
    "zero bytes": set_aside(plain(200, GOOD + b"\0" * 4096)),
    "one line of a megabyte": set_aside(plain(200, b"plate\n" + b"A" * 1_000_000)),
    "escapes in a cell": set_aside(plain(200, f"plate\n{ESCAPES}\n".encode())),
    "escapes in a header": unreachable(plain(200, GOOD, Content_Encoding="\x1b[2Jx")),
    "a long ETag": accepted(plain(200, GOOD, ETag='"' + "e" * 20_000 + '"')),
}  # fmt: skip
