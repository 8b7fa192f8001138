# SPDX-License-Identifier: Apache-2.0
"""Listen on a local (Unix) socket, in place of one that a killed process left behind."""

from __future__ import annotations

import errno
import socket
from pathlib import Path

SOCKET_MODE = 0o660
PROBE_S = 2.0


def listen(file: Path, backlog: int = 8) -> socket.socket:
    """A listening stream socket at `file`, readable and writable for owner and group.

    Raises OSError: with EADDRINUSE if another process answers there.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    if _answers(file):
        raise OSError(errno.EADDRINUSE, "another gate answers there")
    file.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(str(file))
        file.chmod(SOCKET_MODE)
        listener.listen(backlog)
    except OSError:
        listener.close()
        raise
    return listener


def _answers(file: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(PROBE_S)
        try:
            connection.connect(str(file))
        except OSError:
            return False
        return True
