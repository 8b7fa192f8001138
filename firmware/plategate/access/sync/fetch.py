# SPDX-License-Identifier: Apache-2.0
"""Bring one file from a web server, a folder or a USB stick into a local file, within limits.

Everything that comes from outside is bounded: size (also of what a compressed answer unpacks to),
silence, total time, redirects and retries. Whether the content is any good is decided by `sync`.
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
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
_ERRNO = re.compile(r"^\[Errno -?\d+\] ")

# Called with the bytes received so far and the size that was announced, or None.
Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class Validators:
    """What the server said about the version that we have, to ask whether there is a newer one."""

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
    """A file that arrived whole."""

    bytes: int
    validators: Validators = field(default_factory=Validators)


class NotThereError(SyncError):
    """The server or folder has no such file."""


class _Temporary(SyncError):
    """A failure that another try may mend."""

    def __init__(self, sentence: str, wait_s: float | None = None) -> None:
        super().__init__(sentence)
        self.wait_s = wait_s


class Fetcher:
    """Fetches the files of one source; a context manager."""

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
        """Bring `url` into the file `into`; None when `known` is still the newest.

        Raises SyncError when it cannot be had, also after the retries, or is beyond the limits.
        """
        limit = limit_bytes or self._source.max_bytes
        if (local := _local_path(url)) is not None:
            return _copy(local, into, limit)
        tries = self._settings.retries + 1
        for turn in range(tries):
            try:
                return self._get(url, into, known or Validators(), limit, progress)
            except _Temporary as problem:
                if turn == tries - 1:
                    times = f" ({tries} tries)" if tries > 1 else ""
                    raise SyncError(f"{url}: {problem}{times}") from problem
                wait_s = self._settings.retry_base_s * 2**turn * random.uniform(0.5, 1.5)
                self._sleep(max(wait_s, min(problem.wait_s or 0.0, RETRY_AFTER_LIMIT_S)))
        raise AssertionError("unreachable")

    def _get(
        self, url: str, into: Path, known: Validators, limit: int, progress: Progress | None
    ) -> Fetched | None:
        until = self._monotonic() + self._settings.total_timeout_s
        try:
            request = self._connected().build_request("GET", url, headers=known.headers())
            answer = self._connected().send(request, stream=True)
            try:
                return self._take(answer, url, into, limit, until, progress)
            finally:
                answer.close()
        except httpx.InvalidURL as error:
            raise SyncError(f"{url}: not an address: {error}") from error
        except httpx.TooManyRedirects as error:
            allowed = self._settings.max_redirects
            raise SyncError(f"{url}: more than {allowed} redirects") from error
        except httpx.UnsupportedProtocol as error:
            raise SyncError(f"{url}: {error}") from error
        except httpx.TimeoutException as error:
            raise _Temporary(f"no answer in time ({type(error).__name__})") from error
        except (httpx.TransportError, ssl.SSLError) as error:
            raise _Temporary(_ERRNO.sub("", str(error)) or type(error).__name__) from error

    def _take(
        self,
        answer: httpx.Response,
        url: str,
        into: Path,
        limit: int,
        until: float,
        progress: Progress | None,
    ) -> Fetched | None:
        if url.startswith("https:") and answer.url.scheme != "https":
            raise SyncError(f"{url}: redirected to an address without TLS: {answer.url}")
        if answer.status_code == httpx.codes.NOT_MODIFIED:
            return None
        if answer.status_code != httpx.codes.OK:
            sentence = f"the server answered {answer.status_code} {answer.reason_phrase}"
            if answer.status_code in _AGAIN:
                raise _Temporary(sentence, _retry_after(answer))
            gone = answer.status_code in (httpx.codes.NOT_FOUND, httpx.codes.GONE)
            raise (NotThereError if gone else SyncError)(f"{url}: {sentence}")
        announced = _announced(answer)
        if announced is not None and announced > limit:
            raise SyncError(f"{url}: {announced} bytes announced, {limit} allowed")
        with into.open("wb") as stream:
            written = 0
            for piece in _unpacked(answer, url):
                written += len(piece)
                if written > limit:
                    raise SyncError(f"{url}: more than {limit} bytes")
                if self._monotonic() > until:
                    raise SyncError(f"{url}: took over {self._settings.total_timeout_s:g} s")
                stream.write(piece)
                if progress is not None:
                    progress(answer.num_bytes_downloaded, announced)
        validators = Validators(answer.headers.get("etag"), answer.headers.get("last-modified"))
        return Fetched(written, validators)

    def _connected(self) -> httpx.Client:
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


def _unpacked(answer: httpx.Response, url: str) -> Iterator[bytes]:
    """The body in pieces of bounded size, whatever it was compressed to."""
    encoding = answer.headers.get("content-encoding", "identity").lower()
    if encoding == "identity":
        yield from answer.iter_raw(CHUNK_BYTES)
        return
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise SyncError(f"{url}: unknown content encoding {encoding!r}")
    inflate = zlib.decompressobj(_GZIP_OR_ZLIB)
    try:
        for packed in answer.iter_raw(CHUNK_BYTES):
            rest = packed
            while rest and not inflate.eof:
                yield inflate.decompress(rest, CHUNK_BYTES)
                rest = inflate.unconsumed_tail
    except zlib.error as error:
        raise SyncError(f"{url}: damaged gzip: {error}") from error
    if not inflate.eof:
        raise _Temporary("the compressed answer ended early")


def _announced(answer: httpx.Response) -> int | None:
    length = answer.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() else None


def _retry_after(answer: httpx.Response) -> float | None:
    seconds = answer.headers.get("retry-after", "")
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
        raise NotThereError(f"{file}: is not there") from error
    except OSError as error:
        raise SyncError(f"{file}: cannot be read: {error.strerror or error}") from error
    if written > limit:
        raise SyncError(f"{file}: more than {limit} bytes")
    return Fetched(written)


def _copy_bounded(stream: BinaryIO, copy: BinaryIO, limit: int) -> int:
    written = 0
    while written <= limit and (piece := stream.read(CHUNK_BYTES)):
        written += copy.write(piece)
    return written
