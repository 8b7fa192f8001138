# SPDX-License-Identifier: Apache-2.0
"""Download one file from a web server, or copy it from a folder or USB stick, within limits.

Size (before and after decompression), silence, total time, redirects and retries are bounded.
The content is checked by `source`.
"""

from __future__ import annotations

import random
import re
import ssl
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

import httpx

from plategate.errors import SyncError, reason_of
from plategate.settings.sync import SyncSettings, SyncSource

CHUNK_BYTES = 65_536
RETRY_AFTER_LIMIT_S = 120.0
_RETRYABLE_STATUS = frozenset({408, 425, 429, 500, 502, 503, 504})
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_ERRNO = re.compile(r"^\[Errno -?\d+\] ")

# Called with the bytes received so far and the announced size, or None.
Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class Validators:
    """ETag and Last-Modified of the local copy, for a conditional request."""

    etag: str | None = None
    last_modified: str | None = None

    def headers(self) -> dict[str, str]:
        """The conditional headers of RFC 9110, section 13.1."""
        headers = {}
        if self.etag:
            headers["If-None-Match"] = self.etag
        if self.last_modified:
            headers["If-Modified-Since"] = self.last_modified
        return headers


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
    """HTTP client and file reader for one source; a context manager."""

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
        """Write the file at `url` to `into`; None when the server responses "not modified".

        Raises SyncError when all attempts failed or a limit is exceeded.
        """
        limit = limit_bytes or self._source.max_bytes
        if (local := _local_path(url)) is not None:
            return _copy(local, into, limit)
        tries = self._settings.retries + 1
        for attempt in range(tries):
            try:
                return self._get(url, into, known or Validators(), limit, progress)
            except _RetryableError as problem:
                if attempt == tries - 1:
                    times = f" ({tries} tries)" if tries > 1 else ""
                    raise SyncError(f"{url}: {problem}{times}") from problem
                delay_s = self._settings.retry_base_s * 2**attempt * random.uniform(0.5, 1.5)
                self._sleep(max(delay_s, min(problem.wait_s or 0.0, RETRY_AFTER_LIMIT_S)))
        raise AssertionError("unreachable")

    def _get(
        self, url: str, into: Path, known: Validators, limit: int, progress: Progress | None
    ) -> Fetched | None:
        deadline = self._monotonic() + self._settings.total_timeout_s
        try:
            request = self._open_client().build_request("GET", url, headers=known.headers())
            response = self._open_client().send(request, stream=True)
            try:
                return self._receive(response, url, into, limit, deadline, progress)
            finally:
                response.close()
        except httpx.InvalidURL as error:
            raise SyncError(f"{url}: not an address: {error}") from error
        except httpx.TooManyRedirects as error:
            allowed = self._settings.max_redirects
            raise SyncError(f"{url}: more than {allowed} redirects") from error
        except httpx.UnsupportedProtocol as error:
            raise SyncError(f"{url}: {error}") from error
        except httpx.TimeoutException as error:
            raise _RetryableError(f"no answer in time ({type(error).__name__})") from error
        except (httpx.TransportError, ssl.SSLError) as error:
            raise _RetryableError(_ERRNO.sub("", str(error)) or type(error).__name__) from error

    def _receive(
        self,
        response: httpx.Response,
        url: str,
        into: Path,
        limit: int,
        deadline: float,
        progress: Progress | None,
    ) -> Fetched | None:
        if url.startswith("https:") and response.url.scheme != "https":
            raise SyncError(f"{url}: redirected to an address without TLS: {response.url}")
        if response.status_code == httpx.codes.NOT_MODIFIED:
            return None
        if response.status_code != httpx.codes.OK:
            message = f"the server answered {response.status_code} {response.reason_phrase}"
            if response.status_code in _RETRYABLE_STATUS:
                raise _RetryableError(message, _retry_after(response))
            missing = response.status_code in (httpx.codes.NOT_FOUND, httpx.codes.GONE)
            raise (NotFoundError if missing else SyncError)(f"{url}: {message}")
        announced = _announced(response)
        if announced is not None and announced > limit:
            raise SyncError(f"{url}: {announced} bytes announced, {limit} allowed")
        with into.open("wb") as stream:
            written = 0
            for chunk in _decompressed(response, url):
                written += len(chunk)
                if written > limit:
                    raise SyncError(f"{url}: more than {limit} bytes")
                if self._monotonic() > deadline:
                    raise SyncError(f"{url}: took over {self._settings.total_timeout_s:g} s")
                stream.write(chunk)
                if progress is not None:
                    progress(response.num_bytes_downloaded, announced)
        validators = Validators(response.headers.get("etag"), response.headers.get("last-modified"))
        return Fetched(written, validators)

    def _open_client(self) -> httpx.Client:
        if self._client is None:
            self._client = _client(self._settings, self._source)
        return self._client


def _client(settings: SyncSettings, source: SyncSource) -> httpx.Client:
    headers = {"User-Agent": "plategate", "Accept-Encoding": "gzip"}
    if source.token_file is not None:
        headers["Authorization"] = f"Bearer {_secret(source.token_file)}"
    try:
        tls = ssl.create_default_context(cafile=source.ca_file)
        if source.client_certificate is not None:
            tls.load_cert_chain(source.client_certificate, source.client_key)
    except (OSError, ssl.SSLError) as error:
        raise SyncError(
            f"source {source.name}: certificate or key unusable: {reason_of(error)}"
        ) from error
    return httpx.Client(
        headers=headers,
        verify=tls,
        http2=True,
        follow_redirects=settings.max_redirects > 0,
        max_redirects=settings.max_redirects,
        trust_env=False,
        timeout=httpx.Timeout(settings.read_timeout_s, connect=settings.connect_timeout_s),
    )


def _secret(file: Path) -> str:
    try:
        secret = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SyncError(f"token_file {file}: cannot be read: {reason_of(error)}") from error
    if not secret or not secret.isprintable():
        raise SyncError(f"token_file {file}: is empty or has more than one line")
    return secret


def _decompressed(response: httpx.Response, url: str) -> Iterator[bytes]:
    """The decompressed body in chunks of at most CHUNK_BYTES."""
    encoding = response.headers.get("content-encoding", "identity").lower()
    if encoding == "identity":
        yield from response.iter_raw(CHUNK_BYTES)
        return
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise SyncError(f"{url}: unknown content encoding {encoding!r}")
    inflate = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        for packed in response.iter_raw(CHUNK_BYTES):
            rest = packed
            while rest and not inflate.eof:
                yield inflate.decompress(rest, CHUNK_BYTES)
                rest = inflate.unconsumed_tail
    except zlib.error as error:
        raise SyncError(f"{url}: damaged gzip: {error}") from error
    if not inflate.eof:
        raise _RetryableError("the compressed answer ended early")


def _announced(response: httpx.Response) -> int | None:
    length = response.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() else None


def _retry_after(response: httpx.Response) -> float | None:
    seconds = response.headers.get("retry-after", "")
    return float(seconds) if seconds.isascii() and seconds.isdigit() else None


def _local_path(url: str) -> Path | None:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise SyncError(f"{url}: not an address: {error}") from error
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return Path(url) if parts.scheme == "" else None


def _copy(file: Path, into: Path, limit: int) -> Fetched:
    try:
        with file.open("rb") as stream, into.open("wb") as copy:
            written = _copy_bounded(stream, copy, limit)
    except FileNotFoundError as error:
        raise NotFoundError(f"{file}: no such file") from error
    except OSError as error:
        raise SyncError(f"{file}: cannot be read: {error.strerror or error}") from error
    if written > limit:
        raise SyncError(f"{file}: more than {limit} bytes")
    return Fetched(written)


def _copy_bounded(stream: BinaryIO, copy: BinaryIO, limit: int) -> int:
    written = 0
    while written <= limit and (chunk := stream.read(CHUNK_BYTES)):
        written += copy.write(chunk)
    return written
