# SPDX-License-Identifier: Apache-2.0
"""Guards: plain HTTP gives out the CA and redirects, and nothing else; the CA needs no login."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import httpx
import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from plategate.cli import app as command_line
from plategate.console.certificate_files import CA_FILE, fingerprint, made_certificate
from plategate.console.plain_http import plain_app, serve_plain_http
from plategate.settings.console import ConsoleSettings

from .bed import ConsoleBed


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("console")
    made_certificate(made, ("gate.test",))
    return made


def client(folder: Path, **more: object) -> TestClient:
    settings = ConsoleSettings(state_dir=folder, **more)  # type: ignore[arg-type]
    app = plain_app(settings)
    return TestClient(app, base_url="http://gate.test:8080", follow_redirects=False)


@pytest.mark.parametrize("path", ["/", "/login", "/api/v1/state?x=1", "/static/console.css"])
def test_ok__everything_is_redirected_to_https(folder: Path, path: str) -> None:
    answer = client(folder).get(path)
    assert answer.status_code == 308
    assert answer.headers["location"] == f"https://gate.test:8443{path.partition('?')[0]}"
    assert "set-cookie" not in answer.headers


def test_ok__the_ca_is_served(folder: Path) -> None:
    answer = client(folder).get("/ca.crt")
    assert (answer.status_code, answer.content) == (200, (folder / CA_FILE).read_bytes())
    assert b"PRIVATE" not in answer.content


@pytest.mark.parametrize("host", ["", "evil test", "a/b", "x@y", "[::1", "a" * 300])
def test_fail__a_host_that_is_none_is_not_redirected_to(folder: Path, host: str) -> None:
    answer = client(folder).get("/", headers={"host": host})
    assert answer.status_code == 400


@pytest.mark.parametrize("host", ["192.0.2.7:8080", "gate.local", "[2001:db8::1]:8080", "[::1]"])
def test_ok__addresses_are_hosts(folder: Path, host: str) -> None:
    location = client(folder).get("/", headers={"host": host}).headers["location"]
    assert location == f"https://{host.removesuffix(':8080')}:8443/"


def test_fail__nothing_is_accepted_there(folder: Path) -> None:
    assert client(folder).post("/login", data={"name": "x"}).status_code == 405
    for path in ("/ca.key", "/../ca.key", "/ca.crt/../ca.key"):
        assert client(folder).get(path).status_code == 308
    own = client(folder, certificate=folder / "server.crt", key=folder / "server.key")
    assert own.get("/ca.crt").status_code == 404


def test_ok__it_is_served_beside_https(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = ConsoleSettings(state_dir=folder, address="127.0.0.1", http_port=port)
    server = serve_plain_http(settings)
    assert server is not None
    deadline = time.monotonic() + 60
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.02)
    assert httpx.get(f"http://127.0.0.1:{port}/ca.crt", timeout=30).status_code == 200
    server.should_exit = True
    off = ConsoleSettings(state_dir=folder, http_port=0)
    assert serve_plain_http(off) is None


def test_ok__the_fingerprint_is_shown_before_any_login(bed: ConsoleBed) -> None:
    browser = bed.browser()
    assert browser.get("/ca").status_code == 404  # no CA yet
    made_certificate(bed.settings.console.state_dir, ("gate.test",))
    shown = fingerprint(bed.settings.console.state_dir / CA_FILE)
    page = browser.get("/ca").text
    assert shown in page
    assert "http://gate.test:8080/ca.crt" in page and "<svg" in page
    assert browser.get("/ca.crt").content.startswith(b"-----BEGIN CERTIFICATE")
    bed.make_owner()
    assert shown in bed.browser().get("/ca").text


def test_ok__the_gate_itself_prints_the_fingerprint(folder: Path) -> None:
    config = folder / "settings.toml"
    config.write_text(f'[console]\nstate_dir = "{folder}"\n')
    done = CliRunner().invoke(command_line, ["console", "ca", "--config", str(config)])
    assert fingerprint(folder / CA_FILE) in done.output


def test_fail__a_port_that_is_taken_stops_nothing_else(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = serve_plain_http(
            ConsoleSettings(state_dir=folder, address="127.0.0.1", http_port=port)
        )
        assert server is not None
        deadline = time.monotonic() + 60
        while "cannot listen there" not in caplog.text and time.monotonic() < deadline:
            time.sleep(0.02)
    assert f"console.http_port = {port}: cannot listen there; HTTPS goes on" in caplog.text
