# SPDX-License-Identifier: Apache-2.0
"""The files of the console's certificates, made in a child process where they are missing or old.

`certificates` loads the library cryptography, which would keep 8 MB of the server's memory for work
that is done once a start (scripts/console_cost).
"""

from __future__ import annotations

import hashlib
import logging
import socket
import ssl
import subprocess
import sys
from pathlib import Path

from plategate.errors import ConsoleError, reason_of
from plategate.settings.console import ConsoleSettings

logger = logging.getLogger(__name__)

CA_FILE, CA_KEY_FILE, LEAF_FILE, LEAF_KEY_FILE = "ca.crt", "ca.key", "server.crt", "server.key"
MAKER = "plategate.console.certificates"
MADE_WITHIN_S = 120.0  # a board that has just started is slow


def certificate_of(console: ConsoleSettings) -> tuple[Path, Path]:
    """The owner's own certificate and key, or those signed by the console's CA."""
    if (console.certificate is None) != (console.key is None):
        raise ConsoleError("console.certificate and console.key belong together; set both or none")
    if console.certificate is not None and console.key is not None:
        for file in (console.certificate, console.key):
            if not file.is_file():
                raise ConsoleError(f"{file}: no such file (console.certificate, console.key)")
        return console.certificate, console.key
    names = tuple(dict.fromkeys((*console.names, socket.gethostname(), "localhost", "127.0.0.1")))
    files = made_certificate(console.state_dir, names)
    ca = console.state_dir / CA_FILE
    logger.info("certificate authority %s, SHA-256 %s", ca, fingerprint(ca))
    return files


def made_certificate(folder: Path, names: tuple[str, ...]) -> tuple[Path, Path]:
    """Certificate chain and key for these names, made or renewed where needed.

    Raises ConsoleError.
    """
    command = [sys.executable, "-m", MAKER, str(folder), *names]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=MADE_WITHIN_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConsoleError(f"{folder}: cannot make a certificate: {error}") from error
    if done.returncode != 0:
        said = done.stderr.strip().rpartition("\n")[2]
        raise ConsoleError(said or f"{folder}: cannot make a certificate")
    return folder / LEAF_FILE, folder / LEAF_KEY_FILE


def fingerprint(certificate: Path) -> str:
    """SHA-256 of the first certificate in a file, in pairs of hexadecimal digits."""
    end = "-----END CERTIFICATE-----"
    try:
        text, found, _ = certificate.read_text(encoding="ascii").partition(end)
        content = ssl.PEM_cert_to_DER_cert(text[text.index("-----BEGIN") :] + found)
    except (OSError, ValueError) as error:
        raise ConsoleError(
            f"{certificate}: not a certificate in PEM: {reason_of(error)}"
        ) from error
    digest = hashlib.sha256(content).hexdigest().upper()
    return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))
