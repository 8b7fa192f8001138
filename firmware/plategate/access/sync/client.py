# SPDX-License-Identifier: Apache-2.0
"""Build the HTTP client of one source: TLS, client certificate, bearer token, timeouts."""

from __future__ import annotations

# httpx loads h2, httpcore and idna at the first request. Loaded here, each child process finds them
# loaded, also as a user without access to the interpreter's folder.
import encodings.idna  # noqa: F401
import ssl
from pathlib import Path

import h2.connection  # noqa: F401
import httpcore  # noqa: F401
import httpx

from plategate.errors import SyncError, reason_of
from plategate.settings.sync import SyncSettings, SyncSource


def http_client(settings: SyncSettings, source: SyncSource) -> httpx.Client:
    """A client that follows no redirects by itself and ignores proxy variables.

    Raises SyncError when a certificate, key or token file is unusable.
    """
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
        follow_redirects=False,
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
