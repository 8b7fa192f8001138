# SPDX-License-Identifier: Apache-2.0
"""A real nginx on the loopback address that serves one folder over TLS with temporary keys.

Needs nginx and openssl, which `./setup.sh test` installs.
"""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_START_LIMIT_S = 10.0
_CONF = """
daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log {folder}/access.log; default_type text/csv; gzip on; gzip_types text/csv;
  gzip_min_length 1; client_body_temp_path {folder}; proxy_temp_path {folder};
  fastcgi_temp_path {folder}; uwsgi_temp_path {folder}; scgi_temp_path {folder};
  ssl_certificate {folder}/server.crt; ssl_certificate_key {folder}/server.key;
  server {{ listen 127.0.0.1:{tls} ssl http2; root {folder}/www; }}
  server {{ listen 127.0.0.1:{mutual} ssl http2; root {folder}/www;
            ssl_client_certificate {folder}/ca.crt; ssl_verify_client on; }}
}}
"""


@dataclass(frozen=True)
class Nginx:
    """A running server; port `mutual` requires a client certificate, port `tls` does not."""

    folder: Path
    tls: int
    mutual: int
    pid: int

    def publish(self, content: bytes, name: str = "allow.csv") -> Path:
        """Replace a file by rename; returns its path."""
        file = self.folder / "www" / name
        fresh = file.with_suffix(".new")
        fresh.write_bytes(content)
        fresh.replace(file)
        return file

    def source(self, port: int | None = None, **more: object) -> dict[str, object]:
        """Settings of a source on this server."""
        url = f"https://127.0.0.1:{port or self.tls}/allow.csv"
        ca = str(self.folder / "ca.crt")
        return {"name": "estate", "kind": "allow", "url": url, "ca_file": ca, **more}

    def answers(self) -> list[tuple[str, int]]:
        """Status and bytes of every answer so far, from the access log."""
        log = (self.folder / "access.log").read_text().splitlines()
        fields = [line.split('" ')[1].split() for line in log]
        return [(status, int(size)) for status, size, *_ in fields]


@contextmanager
def running_nginx(folder: Path) -> Iterator[Nginx]:
    """Start nginx with all its files in `folder`; stop it at the end."""
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    (folder / "www").mkdir()
    _make_certificates(folder)
    tls, mutual = _free_ports()
    conf = folder / "nginx.conf"
    conf.write_text(_CONF.format(folder=folder, tls=tls, mutual=mutual))
    log = folder / "error.log"
    process = subprocess.Popen(["/usr/sbin/nginx", "-p", folder, "-c", conf, "-e", log])
    try:
        until = time.monotonic() + _START_LIMIT_S
        while not _listens(tls):
            if process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"nginx did not start: {log.read_text()}")
            time.sleep(0.02)
        yield Nginx(folder, tls, mutual, process.pid)
    finally:
        process.terminate()
        process.wait(10)


def _make_certificates(folder: Path) -> None:
    """Keys and certificates of an authority, a server for 127.0.0.1 and a client."""
    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    ca, ca_key = folder / "ca.crt", folder / "ca.key"
    _openssl("req", "-x509", *new_key, "-keyout", ca_key, "-out", ca, "-days", 2,
             "-subj", "/CN=CA", "-addext", "keyUsage=critical,keyCertSign")  # fmt: skip
    for name, extra in (("server", "subjectAltName=IP:127.0.0.1"), ("client", "nsComment=gate")):
        key, request = folder / f"{name}.key", folder / f"{name}.csr"
        extensions = folder / f"{name}.ext"
        extensions.write_text(extra)
        _openssl("req", *new_key, "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        _openssl("x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial",
                 "-days", 2, "-extfile", extensions, "-out", folder / f"{name}.crt")  # fmt: skip


def _openssl(*words: object) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


def _free_ports() -> tuple[int, int]:
    """Two different unused ports."""
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1]), int(other.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
