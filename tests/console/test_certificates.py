# SPDX-License-Identifier: Apache-2.0
"""The console's certificates verify against its CA, are renewed in time, and may be the owner's."""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from plategate.console.certificate_files import (
    CA_KEY_FILE,
    certificate_of,
    fingerprint,
    made_certificate,
)
from plategate.console.certificates import RENEW_BEFORE_DAYS, server_certificate
from plategate.console.server import is_loopback, make_server, run_console
from plategate.errors import ConsoleError
from plategate.settings import Settings, parse_settings

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def serial_of(file: Path) -> int:
    return x509.load_pem_x509_certificate(file.read_bytes()).serial_number


@pytest.mark.parametrize("name", ["plategate.local", "127.0.0.1", "::1"])
def test_ok__a_browser_that_trusts_the_ca_accepts_the_server(tmp_path: Path, name: str) -> None:
    certificate, key = server_certificate(tmp_path, (name,), datetime.now(UTC))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    browser = ssl.create_default_context(cafile=str(tmp_path / "ca.crt"))
    near, far = socket.socketpair()
    served = threading.Thread(target=lambda: context.wrap_socket(far, server_side=True).close())
    served.start()
    with browser.wrap_socket(near, server_hostname=name) as connection:
        assert connection.version() == "TLSv1.3"
    served.join(10)


def test_ok__keys_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    _, key = server_certificate(tmp_path / "new", ("a.test",), NOW)
    for file in (key, tmp_path / "new" / CA_KEY_FILE):
        assert file.stat().st_mode & 0o077 == 0
        assert b"PRIVATE KEY" in file.read_bytes()
    assert (tmp_path / "new").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("days", "names", "renewed"),
    [
        (0, ("a.test",), False),
        (55, ("a.test",), False),
        (65, ("a.test",), True),
        (1, ("b.test",), True),
        (-10, ("a.test",), True),  # made while the clock was wrong
    ],
)
def test_ok__the_server_certificate_is_renewed_and_the_ca_stays(
    tmp_path: Path, days: int, names: tuple[str, ...], renewed: bool
) -> None:
    certificate, _ = server_certificate(tmp_path, ("a.test",), NOW)
    before, ca = serial_of(certificate), fingerprint(tmp_path / "ca.crt")
    server_certificate(tmp_path, names, NOW + timedelta(days=days))
    assert (serial_of(certificate) != before) is renewed
    assert fingerprint(tmp_path / "ca.crt") == ca


def test_ok__a_damaged_certificate_is_made_again(tmp_path: Path) -> None:
    certificate, _ = server_certificate(tmp_path, ("a.test",), NOW)
    certificate.write_text("damaged")
    server_certificate(tmp_path, ("a.test",), NOW)
    assert serial_of(certificate)


def console(tmp_path: Path, **keys: object) -> Settings:
    return parse_settings({"console": {"state_dir": str(tmp_path), **keys}}, "test")


def test_ok__an_own_certificate_is_used(tmp_path: Path) -> None:
    certificate, key = server_certificate(tmp_path / "own", ("a.test",), NOW)
    settings = console(tmp_path, certificate=str(certificate), key=str(key))
    assert certificate_of(settings.console) == (certificate, key)
    assert not (tmp_path / "ca.crt").exists()


def test_fail__half_an_own_certificate_or_a_missing_one_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConsoleError, match=r"console\.key belong together"):
        certificate_of(console(tmp_path, certificate="/a.crt").console)
    with pytest.raises(ConsoleError, match=r"/a\.crt: no such file"):
        certificate_of(console(tmp_path, certificate="/a.crt", key="/a.key").console)


@pytest.mark.parametrize("address", ["0.0.0.0", "192.168.1.9", "::", "gate.local"])
def test_fail__plain_http_is_for_loopback_only(tmp_path: Path, address: str) -> None:
    with pytest.raises(ConsoleError, match=r"console\.address"):
        make_server(console(tmp_path, address=address), secure=False)


def test_ok__the_unit_restarts_often_enough_to_renew() -> None:
    unit = Path(__file__).parents[2] / "firmware" / "system" / "plategate-console.service"
    found = re.search(r"^RuntimeMaxSec=(\d+)d$", unit.read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    assert int(found[1]) < RENEW_BEFORE_DAYS


def test_fail__a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        settings = console(tmp_path, address="127.0.0.1", port=port)
        with pytest.raises(ConsoleError, match=rf"console\.port = {port}.*in use"):
            run_console(settings, secure=False)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "localhost"])
def test_ok__loopback_is_recognised(address: str) -> None:
    assert is_loopback(address)


def test_ok__the_server_keeps_the_library_that_makes_certificates_out_of_its_memory() -> None:
    code = "import sys, plategate.console.server; sys.exit('cryptography' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_ok__the_fingerprint_is_that_of_the_certificate(tmp_path: Path) -> None:
    certificate, _ = made_certificate(tmp_path, ("a.test",))
    loaded = x509.load_pem_x509_certificate(certificate.read_bytes())
    assert fingerprint(certificate).replace(":", "") == (
        loaded.fingerprint(hashes.SHA256()).hex().upper()
    )
    (tmp_path / "none.crt").write_text("nothing")
    with pytest.raises(ConsoleError, match=r"none\.crt: not a certificate in PEM"):
        fingerprint(tmp_path / "none.crt")


def test_fail__a_certificate_that_cannot_be_made_ends_the_start_with_a_sentence(
    tmp_path: Path,
) -> None:
    (tmp_path / "ca.crt").write_text("damaged")
    made_certificate(tmp_path / "fine", ("a.test",))
    (tmp_path / "ca.key").write_bytes((tmp_path / "fine" / "ca.key").read_bytes())
    with pytest.raises(ConsoleError, match=r"ca\.crt: not a certificate in PEM"):
        made_certificate(tmp_path, ("a.test",))
