# SPDX-License-Identifier: Apache-2.0
"""Download one file from a web server, or copy it from a folder or USB stick, within limits.

Size (before and after decompression), silence, total time, redirects and retries are bounded.
The content is checked by `checks`.
"""

from __future__ import annotations

import os
import random
import re
import ssl
import stat
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

import httpx

from plategate.access.sync.address import local_path, without_secrets
from plategate.access.sync.client import http_client
from plategate.access.sync.content import decompressed
from plategate.access.sync.deadline import DeadlineError, Progress
from plategate.access.sync.source_state import Validators
from plategate.durable_files import new_file
from plategate.errors import SyncError, reason_of
from plategate.settings.sync import SyncSettings, SyncSource, is_this_machine

CHUNK_BYTES = 65_536
RETRY_AFTER_LIMIT_S = 120.0
LONGEST_VALIDATOR = 1_000
_RETRYABLE_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
_ERRNO = re.compile(r"^\[Errno -?\d+\] ")


@dataclass(frozen=True, slots=True)
class Fetched:
    """A completely received file: its size and the validators that came with it."""

    bytes: int
    validators: Validators = field(default_factory=Validators)


class NotFoundError(SyncError):
    """The server or folder has no such file."""


class _RetryableError(SyncError):
    """A failure that may be gone at the next attempt; `wait_s` is what the server asked for."""

    def __init__(self, message: str, wait_s: float | None = None) -> None:
        super().__init__(message)
        self.wait_s = wait_s


class Fetcher:
    """HTTP client and file reader for one source; a context manager.

    `sync.total_timeout_s` counts from its creation and covers all files, attempts and redirects.
    """

    def __init__(
        self,
        settings: SyncSettings,
        source: SyncSource,
        *,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._source = source
        self._sleep = sleep
        self._monotonic = monotonic
        self._deadline = monotonic() + settings.total_timeout_s
        self._client: httpx.Client | None = None

    def __enter__(self) -> Fetcher:
        return self

    def __exit__(self, *_: object) -> None:
        if self._client is not None:
            self._client.close()

    def fetch(
        self,
        url: str,
        into: Path,
        *,
        known: Validators | None = None,
        limit_bytes: int | None = None,
        progress: Progress | None = None,
    ) -> Fetched | None:
        """Write the file at `url` to `into`; None when the server answers "not modified".

        Raises SyncError when all attempts failed or a limit is exceeded.
        """
        limit = limit_bytes or self._source.max_bytes
        if (local := local_path(url)) is not None:
            return self._copy(local, into, limit)
        shown = without_secrets(url)
        attempts = self._settings.retries + 1
        for attempt in range(attempts):
            try:
                return self._get(url, into, known or Validators(), limit, progress)
            except _RetryableError as problem:
                delay_s = self._settings.retry_base_s * 2**attempt * random.uniform(0.5, 1.5)
                delay_s = max(delay_s, min(problem.wait_s or 0.0, RETRY_AFTER_LIMIT_S))
                late = self._monotonic() + delay_s >= self._deadline
                if attempt == attempts - 1 or late:
                    times = f" ({attempt + 1} tries)" if attempt else ""
                    raise SyncError(f"{shown}: {problem}{times}") from problem
                self._sleep(delay_s)
            except SyncError as problem:
                raise type(problem)(f"{shown}: {problem}") from problem
        raise AssertionError("unreachable")

    def _get(
        self, url: str, into: Path, known: Validators, limit: int, progress: Progress | None
    ) -> Fetched | None:
        client = self._open_client()
        try:
            request = client.build_request("GET", url, headers=known.headers())
            for _ in range(self._settings.max_redirects + 1):
                self._check_address(request.url, url)
                self._check_time()
                response = client.send(request, stream=True)
                try:
                    if response.next_request is None:
                        return self._receive(response, into, limit, known, progress)
                    request = response.next_request
                finally:
                    response.close()
            raise SyncError(f"more than {self._settings.max_redirects} redirects")
        except httpx.InvalidURL as error:
            raise SyncError(f"not an address: {error}") from error
        except httpx.UnsupportedProtocol as error:
            raise SyncError(str(error)) from error
        except httpx.TimeoutException as error:
            raise _RetryableError(f"no answer in time ({type(error).__name__})") from error
        except (httpx.TransportError, ssl.SSLError) as error:
            raise _RetryableError(_ERRNO.sub("", str(error)) or type(error).__name__) from error

    def _check_address(self, url: httpx.URL, start: str) -> None:
        """Refuse an address, `start` or one of its redirects, before it is asked."""
        shown = without_secrets(str(url))
        if url.scheme not in ("http", "https"):
            raise SyncError(f"redirected to {shown}: unsupported protocol")
        if url.scheme == "https":
            return
        if start.lower().startswith("https:"):
            raise SyncError(f"redirected to an address without TLS: {shown}")
        safe = self._source.needs_signature or self._source.allow_unsigned_http
        if not safe and not is_this_machine(url.host):
            raise SyncError(
                f"{shown}: http:// without a required signature lets anybody on the network change"
                " the list; use https://, or set public_keys, or allow_unsigned_http = true"
            )

    def _receive(
        self,
        response: httpx.Response,
        into: Path,
        limit: int,
        known: Validators,
        progress: Progress | None,
    ) -> Fetched | None:
        status = response.status_code
        if status == HTTPStatus.NOT_MODIFIED and known.headers():
            return None
        if status != HTTPStatus.OK:
            # The server's own reason phrase may hold anything, so it is not shown.
            message = f"the server answered {status} {_phrase(status)}".rstrip()
            if status == HTTPStatus.NOT_MODIFIED:
                message += " to a first request"
            if status in _RETRYABLE_STATUS:
                raise _RetryableError(message, _retry_after(response))
            missing = status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE)
            raise (NotFoundError if missing else SyncError)(message)
        announced = _announced(response)
        if announced is not None and announced > limit:
            raise SyncError(f"{announced} bytes announced, {limit} allowed")

        def report() -> None:
            self._check_time()
            if progress is not None:
                progress(response.num_bytes_downloaded, announced)

        encoding = response.headers.get("content-encoding", "identity")
        chunks = _with_report(response.iter_raw(), report)
        written = _write(into, decompressed(chunks, encoding, _RetryableError), limit)
        validators = Validators(
            _short(response.headers.get("etag")), _short(response.headers.get("last-modified"))
        )
        return Fetched(written, validators)

    def _copy(self, file: Path, into: Path, limit: int) -> Fetched:
        try:
            # O_NONBLOCK: do not wait for a writer if it is a FIFO.
            descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError as error:
            raise NotFoundError(f"{file}: no such file") from error
        except OSError as error:
            raise SyncError(f"{file}: cannot be read: {reason_of(error)}") from error
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise SyncError(f"{file}: is not a regular file")
        with os.fdopen(descriptor, "rb") as stream:
            chunks = iter(lambda: _read(stream.read, file), b"")
            return Fetched(_write(into, _with_report(chunks, self._check_time), limit, f"{file}: "))

    def _check_time(self) -> None:
        if self._monotonic() >= self._deadline:
            raise DeadlineError(late(self._settings))

    def _open_client(self) -> httpx.Client:
        if self._client is None:
            self._client = http_client(self._settings, self._source)
        return self._client


def late(settings: SyncSettings) -> str:
    """The message for a source that exceeded its time."""
    return f"took over {settings.total_timeout_s:g} s (sync.total_timeout_s)"


def _with_report(chunks: Iterable[bytes], report: Callable[[], None]) -> Iterable[bytes]:
    for chunk in chunks:
        report()
        yield chunk


def _write(into: Path, chunks: Iterable[bytes], limit: int, origin: str = "") -> int:
    """Write the chunks to a new file, never through a link; returns the number of bytes."""
    into.unlink(missing_ok=True)
    written = 0
    with new_file(into, 0o640) as stream:
        for chunk in chunks:
            written += len(chunk)
            if written > limit:
                raise SyncError(f"{origin}more than {limit} bytes")
            stream.write(chunk)
    return written


def _read(read: Callable[[int], bytes], file: Path) -> bytes:
    try:
        return read(CHUNK_BYTES)
    except OSError as error:
        raise SyncError(f"{file}: cannot be read: {reason_of(error)}") from error


def _announced(response: httpx.Response) -> int | None:
    length = response.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 19 else None


def _retry_after(response: httpx.Response) -> float | None:
    seconds = response.headers.get("retry-after", "")
    return float(seconds) if seconds.isascii() and seconds.isdigit() and len(seconds) < 9 else None


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _short(validator: str | None) -> str | None:
    """A validator to be sent back; a longer one than any real server's is not kept."""
    return validator if validator and len(validator) <= LONGEST_VALIDATOR else None
