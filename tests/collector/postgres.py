# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL for tests and drills: a cluster of its own in a folder, on a free port."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

WITHIN_S = 60.0
CONFIGURATION = """
listen_addresses = '127.0.0.1'
unix_socket_directories = '{folder}'
shared_buffers = 64MB
max_connections = 50
fsync = off
log_min_messages = panic
autovacuum_naptime = 10s
"""


def programs() -> Path:
    """The folder of initdb and postgres; the newest version that Debian installed."""
    found = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda file: int(file.parts[-3])
    )
    if found:
        return found[-1].parent
    initdb = shutil.which("initdb")
    assert initdb, "postgresql is not installed"
    return Path(initdb).parent


class Postgres:
    """A server without `fsync`: a killed server loses nothing; a machine without power would."""

    def __init__(self, *lines: str) -> None:
        """Create the cluster, with `lines` added to its configuration."""
        # The server does not run as root, and its user may not enter pytest's folders.
        self.user = "postgres" if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="plategate-postgres-"))
        if self.user is not None:
            shutil.chown(self.folder, self.user, self.user)
        self.data = self.folder / "data"
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._run("initdb", "--auth=trust", "--encoding=UTF8", "--locale=C", "-N", "-U", "postgres")
        text = CONFIGURATION.format(folder=self.folder) + f"port = {self.port}\n"
        with (self.data / "postgresql.conf").open("a") as stream:
            stream.write("\n".join([text, *lines]) + "\n")

    def start(self) -> None:
        """Start, and wait until it answers."""
        # A killed server leaves children that hold its shared memory for a moment.
        deadline = time.monotonic() + WITHIN_S
        while True:
            self._process = subprocess.Popen(
                [programs() / "postgres", "-D", self.data],
                user=self.user, group=self.user, extra_groups=[] if self.user else None,
                cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            while self._process.poll() is None and time.monotonic() < deadline:
                if self._is_ready():
                    return
                time.sleep(0.05)
            assert time.monotonic() < deadline, "PostgreSQL did not start"
            time.sleep(0.2)

    def kill(self) -> None:
        """SIGKILL, as in a crash."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End all connections, and stop in order."""
        self._end(signal.SIGINT)

    def remove(self) -> None:
        """Stop, and delete the cluster."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def give(self, name: str, content: bytes) -> Path:
        """Write a file that only the server may read."""
        file = self.folder / name
        file.write_bytes(content)
        file.chmod(0o600)
        if self.user is not None:
            shutil.chown(file, self.user, self.user)
        return file

    def sql(self, *statements: str, database: str = "postgres") -> None:
        """Run statements as the superuser, each for itself."""
        import psycopg

        with psycopg.connect(self.conninfo(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)

    def conninfo(self, database: str = "plategate", user: str = "postgres") -> str:
        """How psycopg connects."""
        return f"host=127.0.0.1 port={self.port} dbname={database} user={user} connect_timeout=5"

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        process.wait(WITHIN_S)

    def _is_ready(self) -> bool:
        done = subprocess.run(
            [programs() / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)],
            check=False,
        )
        return done.returncode == 0

    def _run(self, program: str, *words: str) -> None:
        subprocess.run(
            [programs() / program, "-D", self.data, *words],
            user=self.user, group=self.user, extra_groups=[] if self.user else None,
            cwd=self.folder, check=True, capture_output=True,
        )  # fmt: skip


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
