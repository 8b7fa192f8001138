# SPDX-License-Identifier: Apache-2.0
"""Syncing from a real nginx over TLS made on the spot, with a client certificate and gzip.

Needs nginx and openssl, which `./setup.sh test` installs.
"""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from plategate.access.candidate import Outcome

from .test_signature import Owner
from .test_sync import ONE_MORE, TEN, Gate, outcomes

CONF = """
daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 64; }}
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
    folder: Path
    tls: int
    mutual: int

    def publish(self, content: bytes) -> Path:
        file = self.folder / "www" / "allow.csv"
        fresh = file.with_suffix(".new")
        fresh.write_bytes(content)
        fresh.replace(file)
        return file

    def source(self, port: int | None = None, **more: object) -> dict[str, object]:
        url = f"https://127.0.0.1:{port or self.tls}/allow.csv"
        ca = str(self.folder / "ca.crt")
        return {"name": "estate", "kind": "allow", "url": url, "ca_file": ca, **more}

    def statuses(self) -> list[str]:
        log = (self.folder / "access.log").read_text().splitlines()
        return [line.split('" ')[1].split()[0] for line in log]


def certificates(folder: Path) -> None:
    """An authority, a server for 127.0.0.1 and a client, all made by openssl."""

    def openssl(*words: object) -> None:
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)

    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    ca, ca_key = folder / "ca.crt", folder / "ca.key"
    openssl("req", "-x509", *new_key, "-keyout", ca_key, "-out", ca, "-days", 2, "-subj", "/CN=CA",
            "-addext", "keyUsage=critical,keyCertSign")  # fmt: skip
    for name, extra in (("server", "subjectAltName=IP:127.0.0.1"), ("client", "nsComment=gate")):
        key, request = folder / f"{name}.key", folder / f"{name}.csr"
        extensions = folder / f"{name}.ext"
        extensions.write_text(extra)
        openssl("req", *new_key, "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        openssl("x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial",
                "-days", 2, "-extfile", extensions, "-out", folder / f"{name}.crt")  # fmt: skip


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    folder = tmp_path_factory.mktemp("nginx")
    folder.chmod(0o755)
    (folder / "www").mkdir()
    certificates(folder)
    running = Nginx(folder, free_port(), free_port())
    conf = folder / "nginx.conf"
    conf.write_text(CONF.format(folder=folder, tls=running.tls, mutual=running.mutual))
    process = subprocess.Popen(
        ["/usr/sbin/nginx", "-p", folder, "-c", conf, "-e", folder / "error.log"]
    )
    try:
        until = time.monotonic() + 10
        while not answers(running.tls):
            assert process.poll() is None and time.monotonic() < until, "nginx did not start"
            time.sleep(0.02)
        yield running
    finally:
        process.terminate()
        process.wait(10)


def test_ok__sync_over_tls_with_own_authority(nginx: Nginx, tmp_path: Path) -> None:
    nginx.publish(TEN)
    gate = Gate(tmp_path, nginx.source())
    assert gate.sync().all_well
    assert len(gate.plates()) == 10
    nginx.publish(ONE_MORE)
    gate.sync()
    assert len(gate.plates()) == 11
    gate.sync()
    assert nginx.statuses()[-1] == "304"


def test_ok__client_certificate_opens_the_door(nginx: Nginx, tmp_path: Path) -> None:
    nginx.publish(TEN)
    pair = {
        "client_certificate": str(nginx.folder / "client.crt"),
        "client_key": str(nginx.folder / "client.key"),
    }
    assert Gate(tmp_path / "with", nginx.source(nginx.mutual, **pair)).sync().all_well
    without = Gate(tmp_path / "without", nginx.source(nginx.mutual)).sync()
    assert outcomes(without) == [Outcome.UNREACHABLE]
    assert "400" in without.results[0].sentence


def test_fail__server_of_unknown_authority(nginx: Nginx, tmp_path: Path) -> None:
    nginx.publish(TEN)
    report = Gate(tmp_path, nginx.source(ca_file=None)).sync()
    assert outcomes(report) == [Outcome.UNREACHABLE]
    assert "CERTIFICATE_VERIFY_FAILED" in report.results[0].sentence


def test_fail__certificate_of_another_name(nginx: Nginx, tmp_path: Path) -> None:
    nginx.publish(TEN)
    url = f"https://localhost:{nginx.tls}/allow.csv"
    assert outcomes(Gate(tmp_path, nginx.source(url=url)).sync()) == [Outcome.UNREACHABLE]


def test_fail__tls_port_asked_without_tls(nginx: Nginx, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{nginx.tls}/allow.csv"
    assert outcomes(Gate(tmp_path, nginx.source(url=url)).sync()) == [Outcome.UNREACHABLE]


def test_ok__sign_publish_tamper_and_roll_back(nginx: Nginx, tmp_path: Path) -> None:
    """The whole life of a signed list on an ordinary web server."""
    owner = Owner(tmp_path / "owner")
    source = nginx.source(signature="required", public_keys=[str(owner.public)])
    gate = Gate(tmp_path / "gate", source)
    file = nginx.publish(TEN)
    old_signature = owner.sign(file, "serial:1").read_bytes()
    assert gate.sync().all_well
    owner.sign(nginx.publish(ONE_MORE), "serial:2")
    assert gate.sync().all_well
    nginx.publish(ONE_MORE + b"EVIL1\n")
    assert "not what was signed" in gate.sync().results[0].sentence
    nginx.publish(TEN)  # the old list with its good old signature
    file.with_name("allow.csv.minisig").write_bytes(old_signature)
    assert "older than 2" in gate.sync().results[0].sentence
    assert len(gate.plates()) == 11
