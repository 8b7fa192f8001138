# SPDX-License-Identifier: Apache-2.0
"""Send one notification with Apprise, in a child process that runs `main` of this file.

Apprise needs as much memory as the rest of the process, so it is loaded in the child alone. The job
goes to its standard input and the answer comes from its standard output, as JSON. The child reads
the addresses from their file; they leave it only towards the service and are cut out of reasons.
"""

from __future__ import annotations

import json
import logging
import os
import re
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from plategate.errors import DeliveryError, printable, reason_of

MODULE = "plategate.outbound.notifications.sender"
# The child ends itself after its time; this is for one that the kernel cannot end.
GRACE_S = 10.0
# Not for the child: it is not the process that systemd watches.
NOT_INHERITED = ("NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC")
MEMORY_BYTES = 512_000_000
PROCESSOR_S = 60
FILE_BYTES = 1_000_000
FILES_MAX = 64
SHORTEST_SECRET = 3
SHORTENED = re.compile(r"\S?\.\.\.\S?")  # Apprise shows the ends of some secrets
LONGEST_REASON = 300
NETWORK_ERRORS = ("Socket Exception", "SMTP Exception", "Exception")


def notify(
    url_file: Path, timeout_s: float, title: str, body: str, picture: Path | None = None
) -> None:
    """Send one notification to the addresses in a file; raises DeliveryError."""
    job = {
        "url_file": str(url_file),
        "timeout_s": timeout_s,
        "title": title,
        "body": body,
        "picture": None if picture is None else str(picture),
    }
    environment = {name: text for name, text in os.environ.items() if name not in NOT_INHERITED}
    try:
        done = subprocess.run(
            [sys.executable, "-m", MODULE],
            input=json.dumps(job),
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s + GRACE_S,
            env=environment,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise DeliveryError(f"the sender did not run: {type(error).__name__}") from error
    try:
        reason = json.loads(done.stdout)["reason"]
    except (ValueError, KeyError, TypeError) as error:
        ended = f"ended with status {done.returncode} (time {timeout_s:.0f} s, or memory)"
        raise DeliveryError(f"the sender {ended}") from error
    if reason is not None:
        raise DeliveryError(printable(str(reason), LONGEST_REASON))


def limit_resources(timeout_s: int) -> None:
    """End this process, by the kernel, where it takes too long or too much."""
    for limit, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, PROCESSOR_S),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_NOFILE, FILES_MAX),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(limit)
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(limit, (allowed, allowed))
    signal.alarm(timeout_s)


def addresses_in(text: str) -> list[str]:
    """The addresses of a file: one a line, without empty lines and comments."""
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def without_secrets(text: str, addresses: list[str]) -> str:
    """`text` without anything that is part of an address, except its schema."""
    text = SHORTENED.sub("***", text)
    parts: set[str] = set()
    for address in addresses:
        rest = address.partition("://")[2] or address
        for form in (rest, unquote(rest)):
            parts |= {form, *re.split(r"[/@:?&=,; ]+", form)}
    for part in sorted(parts, key=len, reverse=True):
        if len(part) >= SHORTEST_SECRET:
            text = text.replace(part, "***")
    return text


class Complaints(logging.Handler):
    """Collects what Apprise logs about a failure: warnings, and the errors of the network."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line; others are about the message, which is personal."""
        line = record.getMessage()
        if record.levelno >= logging.WARNING or line.startswith(NETWORK_ERRORS):
            self._lines.append(line)

    def text(self, addresses: list[str]) -> str:
        """What was collected, without secrets."""
        why = without_secrets("; ".join(self._lines), addresses)
        return why[:LONGEST_REASON] or "the service did not take the message"


def send(job: dict[str, Any]) -> str | None:
    """Send the notification; the reason where a service did not take it."""
    file = Path(job["url_file"])
    try:
        addresses = addresses_in(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return f"{file}: cannot be read: {reason_of(error)}"
    if not addresses:
        return f"{file}: has no address"
    import apprise
    from apprise.common import PersistentStoreMode

    complaints = Complaints()
    logger = logging.getLogger("apprise")
    logger.addHandler(complaints)
    logger.setLevel(logging.DEBUG)
    asset = apprise.AppriseAsset(
        app_id="Plategate",
        app_desc="Plategate",
        async_mode=False,
        storage_mode=PersistentStoreMode.MEMORY,
    )
    sender = apprise.Apprise(asset=asset)
    for number, address in enumerate(addresses, 1):
        if not sender.add(address):
            why = complaints.text(addresses)
            return f"{file}: Apprise does not accept address {number}: {why}"
    taken = sender.notify(
        title=job["title"],
        body=job["body"],
        body_format=apprise.NotifyFormat.TEXT,
        attach=job["picture"],
    )
    if taken:
        return None
    return complaints.text(addresses)


def main() -> None:
    """Read the job, send it, print the answer."""
    job = json.load(sys.stdin)
    limit_resources(int(job["timeout_s"]))
    try:
        reason = send(job)
    # The text of an unforeseen error may contain an address.
    except Exception as error:
        reason = f"Apprise failed with {type(error).__name__}"
    print(json.dumps({"reason": reason}))  # noqa: T201  # the answer


if __name__ == "__main__":
    main()
