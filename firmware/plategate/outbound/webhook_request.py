# SPDX-License-Identifier: Apache-2.0
"""Sign a message after Standard Webhooks and post it once; everything about the answer is bounded.

Signature scheme v1: base64 of HMAC-SHA256 over `id.timestamp.body`, one for each secret.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

from plategate.errors import SettingsError, printable, reason_of
from plategate.outbound.message import Message
from plategate.settings.outbound import WebhookSettings

PREFIX = "whsec_"
SECRET_BYTES = range(24, 65)
LONGEST_RETRY_AFTER_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a message was not taken. `status` is None where there was no answer at all."""

    sentence: str
    status: int | None = None
    retry_after_s: float | None = None


def body_of(message: Message, form: str, picture: bytes | None) -> tuple[bytes, str]:
    """The body and its content type."""
    document = message.document()
    if picture is not None:
        document["picture"] = base64.b64encode(picture).decode()
    content_type = "application/json"
    if form == "cloudevents":
        content_type = "application/cloudevents+json"
        document = {
            "specversion": "1.0",
            "id": message.id,
            "source": f"/plategate/{message.gate}",
            "type": f"plategate.{message.type}",
            "time": message.at,
            "datacontenttype": "application/json",
            "data": document,
        }
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return text.encode(), content_type


def signature_headers(
    message_id: str, body: bytes, secrets: Sequence[bytes], now_s: int
) -> dict[str, str]:
    """The three headers of Standard Webhooks."""
    signed = f"{message_id}.{now_s}.".encode() + body
    signatures = [
        "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
        for secret in secrets
    ]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(now_s),
        "webhook-signature": " ".join(signatures),
    }


def read_secrets(files: Sequence[Path]) -> tuple[bytes, ...]:
    """The secrets in files of `whsec_` and base64; raises SettingsError."""
    found = []
    for file in files:
        try:
            text = file.read_text(encoding="ascii").strip()
            secret = base64.b64decode(text.removeprefix(PREFIX), validate=True)
        except (OSError, ValueError) as error:
            raise SettingsError(f"{file}: no webhook secret: {reason_of(error)}") from error
        if not text.startswith(PREFIX) or len(secret) not in SECRET_BYTES:
            raise SettingsError(f"{file}: a secret is {PREFIX} and the base64 of 24 to 64 bytes")
        found.append(secret)
    return tuple(found)


def post(settings: WebhookSettings, body: bytes, headers: dict[str, str]) -> Refusal | None:
    """Post a body; None if the server took it. Redirects are not followed, no proxy is used."""
    url = urlsplit(settings.url)
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    connection = _connection(settings)
    # A server that sends a byte now and then would otherwise hold the request for ever.
    late = threading.Event()
    ending = threading.Timer(settings.timeout_s, _shut, [connection, late])
    ending.daemon = True
    ending.start()
    try:
        connection.request("POST", path, body, {"User-Agent": "plategate", **headers})
        answer = connection.getresponse()
    except (OSError, http.client.HTTPException, ValueError) as error:
        what = printable(reason_of(error) or type(error).__name__, 200)
        return Refusal(f"{url.hostname}: no answer: {what}")
    finally:
        ending.cancel()
        connection.close()
    if late.is_set():  # the end of the connection looks like the end of the headers
        return Refusal(f"{url.hostname}: no whole answer within {settings.timeout_s:.0f} s")
    if 200 <= answer.status <= 299:
        return None
    pause_s = _retry_after_s(answer.getheader("retry-after"))
    return Refusal(f"{url.hostname}: answers with status {answer.status}", answer.status, pause_s)


def _connection(settings: WebhookSettings) -> http.client.HTTPConnection:
    url = urlsplit(settings.url)
    host = url.hostname or ""
    if url.scheme == "http":
        return http.client.HTTPConnection(host, url.port, timeout=settings.timeout_s)
    try:
        tls = ssl.create_default_context(cafile=settings.ca_file)
    except (OSError, ValueError) as error:
        raise SettingsError(f"{settings.ca_file}: not usable: {reason_of(error)}") from error
    return http.client.HTTPSConnection(host, url.port, timeout=settings.timeout_s, context=tls)


def _shut(connection: http.client.HTTPConnection, late: threading.Event) -> None:
    late.set()
    if connection.sock is not None:
        with suppress(OSError):
            connection.sock.shutdown(socket.SHUT_RDWR)


def _retry_after_s(value: str | None) -> float | None:
    """Seconds, or a date; bounded by a day."""
    if value is None:
        return None
    if value.isascii() and value.isdigit():
        return min(float(value[:9]), LONGEST_RETRY_AFTER_S)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return min(max(0.0, (at - datetime.now(UTC)).total_seconds()), LONGEST_RETRY_AFTER_S)


def now_s() -> int:
    """Seconds since 1970, for the signature."""
    return int(time.time())
