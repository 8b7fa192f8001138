# SPDX-License-Identifier: Apache-2.0
"""Sync from a real nginx with TLS, a client certificate and gzip.

Needs nginx and openssl, which `./setup.sh test` installs.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from plategate.access.sync.source import SourceOutcome
from scripts.testbed.nginx import Nginx, running_nginx

from .list_gate import ONE_MORE, TEN, Gate, outcomes
from .test_signature import Owner


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    with running_nginx(tmp_path_factory.mktemp("nginx")) as running:
        yield running


def test_ok__sync_over_tls_with_a_private_authority(nginx: Nginx, tmp_path: Path) -> None:
    nginx.publish(TEN)
    gate = Gate(tmp_path, nginx.source())
    assert gate.sync().all_well
    assert len(gate.plates()) == 10
    nginx.publish(ONE_MORE)
    gate.sync()
    assert len(gate.plates()) == 11
    gate.sync()
    assert nginx.answers()[-1][0] == "304"


def test_ok__client_certificate_is_presented(nginx: Nginx, tmp_path: Path) -> None:
    nginx.publish(TEN)
    pair = {
        "client_certificate": str(nginx.folder / "client.crt"),
        "client_key": str(nginx.folder / "client.key"),
    }
    assert Gate(tmp_path / "with", nginx.source(nginx.mutual, **pair)).sync().all_well
    without = Gate(tmp_path / "without", nginx.source(nginx.mutual)).sync()
    assert outcomes(without) == [SourceOutcome.UNREACHABLE]
    assert "400" in without.results[0].message


def test_fail__server_of_unknown_authority(nginx: Nginx, tmp_path: Path) -> None:
    nginx.publish(TEN)
    report = Gate(tmp_path, nginx.source(ca_file=None)).sync()
    assert outcomes(report) == [SourceOutcome.UNREACHABLE]
    assert "CERTIFICATE_VERIFY_FAILED" in report.results[0].message


def test_fail__certificate_of_another_name(nginx: Nginx, tmp_path: Path) -> None:
    nginx.publish(TEN)
    url = f"https://localhost:{nginx.tls}/allow.csv"
    assert outcomes(Gate(tmp_path, nginx.source(url=url)).sync()) == [SourceOutcome.UNREACHABLE]


def test_fail__tls_port_asked_without_tls(nginx: Nginx, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{nginx.tls}/allow.csv"
    assert outcomes(Gate(tmp_path, nginx.source(url=url)).sync()) == [SourceOutcome.UNREACHABLE]


def test_ok__sign_publish_tamper_and_roll_back(nginx: Nginx, tmp_path: Path) -> None:
    """Publish, change, tamper with and replay a signed list on an ordinary web server."""
    owner = Owner(tmp_path / "owner")
    source = nginx.source(signature="required", public_keys=[str(owner.public)])
    gate = Gate(tmp_path / "gate", source)
    file = nginx.publish(TEN)
    old_signature = owner.sign(file, "serial:1").read_bytes()
    assert gate.sync().all_well
    owner.sign(nginx.publish(ONE_MORE), "serial:2")
    assert gate.sync().all_well
    nginx.publish(ONE_MORE + b"EVIL1\n")
    assert "does not match the signature" in gate.sync().results[0].message
    nginx.publish(TEN)  # the old list with its good old signature
    file.with_name("allow.csv.minisig").write_bytes(old_signature)
    assert "older than 2" in gate.sync().results[0].message
    assert len(gate.plates()) == 11
