# SPDX-License-Identifier: Apache-2.0
"""What firmware/server offers for a server works: access list, TLS, settings, unit, dashboard."""

from __future__ import annotations

import json
import re
import shutil
import ssl
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from plategate.collector.settings import CollectorSettings, load_collector_settings
from plategate.collector.writer import Writer
from plategate.errors import StoreError
from tests.outbound.certificates import make_certificates
from tests.outbound.conftest import Broker, wait_for
from tests.system.sandbox import settings_of

from .conftest import collecting, message, rows, settings_for
from .postgres import Postgres

SERVER = Path(__file__).resolve().parents[2] / "firmware" / "server"
UNIT = SERVER / "plategate-collector.service"
EXPOSURE_LIMIT = 2.0


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    make_certificates(folder, "broker", "north", "south", "collector-1")
    (folder / "fleet-ca.pem").write_bytes((folder / "ca.pem").read_bytes())
    return folder


@pytest.fixture
def fleet_broker(tmp_path: Path, certificates: Path) -> Iterator[Broker]:
    """Mosquitto with the configuration of firmware/server, but for its folders and port."""
    text = (SERVER / "mosquitto-fleet.conf").read_text()
    text = text.replace("/etc/mosquitto/certs", str(certificates))
    text = text.replace("/etc/mosquitto/fleet.acl", str(SERVER / "mosquitto-fleet.acl"))
    left_out = ("#", "listener", "max_queued_messages")  # the fixture has the last two itself
    lines = [line for line in text.splitlines() if line and not line.startswith(left_out)]
    broker = Broker(tmp_path, *lines)
    broker.start()
    yield broker
    broker.stop()


def publish(folder: Path, broker: Broker, user: str, topic: str, payload: bytes) -> None:
    """Publish with the certificate of a user."""
    context = ssl.create_default_context(cafile=folder / "ca.pem")
    context.load_cert_chain(folder / f"{user}.pem", folder / f"{user}.key")
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.tls_set_context(context)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    client.publish(topic, payload, qos=1).wait_for_publish(20)
    client.disconnect()
    client.loop_stop()


def test_ok__each_gate_speaks_only_for_itself(
    certificates: Path, fleet_broker: Broker, database: Postgres
) -> None:
    files = {"ca_file": "ca.pem", "client_certificate": "collector-1.pem"}
    files |= {"client_key": "collector-1.key"}
    how: dict[str, Any] = {key: certificates / name for key, name in files.items()}
    settings = settings_for(database, fleet_broker.port, broker={"tls": True} | how)
    forged = json.dumps(message(1, "north")).encode()
    with collecting(settings) as collector:
        wait_for(collector.is_subscribed)
        publish(certificates, fleet_broker, "south", "plategate/north/events", forged)
        publish(certificates, fleet_broker, "south", "plategate/north/availability", b"online")
        publish(certificates, fleet_broker, "south", "plategate/south/events", forged)
        real = json.dumps(message(2, "north")).encode()
        publish(certificates, fleet_broker, "north", "plategate/north/events", real)
        wait_for(lambda: rows(database, "SELECT gate, sequence FROM plategate.events"))
    assert rows(database, "SELECT gate, sequence FROM plategate.events") == [("north", 2)]
    assert rows(database, "SELECT * FROM plategate.gates") == []
    assert rows(database, "SELECT topic, reason FROM plategate.rejected") == [
        ("plategate/south/events", "gate: 'north' is not the 'south' of the topic")
    ]


def test_fail__certificate_of_a_gate_collects_nothing(
    certificates: Path, fleet_broker: Broker, database: Postgres
) -> None:
    def settings(user: str) -> CollectorSettings:
        files = {"ca_file": "ca", "client_certificate": user}
        how: dict[str, Any] = {key: certificates / f"{name}.pem" for key, name in files.items()}
        how |= {"tls": True, "client_key": certificates / f"{user}.key", "group": user}
        return settings_for(database, fleet_broker.port, name=user, broker=how)

    with collecting(settings("south")) as thief, collecting(settings("collector-1")) as real:
        wait_for(thief.is_subscribed)
        wait_for(real.is_subscribed)
        payload = json.dumps(message(1, "north")).encode()
        publish(certificates, fleet_broker, "north", "plategate/north/events", payload)
        wait_for(lambda: real.events == 1)
        assert thief.events == 0


# paho leaves the socket of a failed handshake to be closed by its deletion.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"ca_file": "other.pem"}, "certificate verify failed: self-signed certificate"),
        ({"client_certificate": None, "client_key": None}, "the connection ended"),
        (
            {"tls": False, "ca_file": None, "client_certificate": None, "client_key": None},
            "the connection ended",
        ),
        ({"host": "nowhere.invalid"}, "cannot connect"),
    ],
)
def test_fail__broker_that_cannot_be_used_is_reported_with_the_reason(
    certificates: Path,
    fleet_broker: Broker,
    database: Postgres,
    caplog: pytest.LogCaptureFixture,
    changes: dict[str, Any],
    reason: str,
) -> None:
    files = {"ca_file": "ca.pem", "client_certificate": "collector-1.pem"}
    files |= {"client_key": "collector-1.key"}
    how: dict[str, Any] = {"tls": True} | files | changes
    how |= {key: certificates / how[key] for key in files if how[key] is not None}
    with collecting(settings_for(database, fleet_broker.port, broker=how)) as collector:
        wait_for(lambda: "broker: " in caplog.text)
        assert reason in caplog.text
        assert not collector.is_subscribed()


@pytest.fixture
def secured(certificates: Path) -> Iterator[Postgres]:
    """PostgreSQL that asks for TLS, a certificate of the client and a password."""
    server = Postgres("ssl = on")
    for given, name in (("server.crt", "broker.pem"), ("server.key", "broker.key")):
        server.give(f"data/{given}", (certificates / name).read_bytes())
    server.give("data/root.crt", (certificates / "ca.pem").read_bytes())
    with (server.data / "postgresql.conf").open("a") as stream:
        stream.write("ssl_ca_file = 'root.crt'\n")
    server.give(
        "data/pg_hba.conf",
        b"host all postgres 127.0.0.1/32 trust\n"
        b"hostssl all collector 127.0.0.1/32 scram-sha-256 clientcert=verify-ca\n",
    )
    server.start()
    server.sql("CREATE DATABASE plategate", "CREATE ROLE collector LOGIN PASSWORD 'secret'")
    yield server
    server.remove()


def test_ok__database_with_tls_certificate_and_password(
    tmp_path: Path, certificates: Path, secured: Postgres
) -> None:
    (tmp_path / "password").write_text("secret\n")
    (tmp_path / "wrong").write_text("other\n")
    whole: dict[str, Any] = {
        "tls": "verify",
        "ca_file": certificates / "ca.pem",
        "client_certificate": certificates / "collector-1.pem",
        "client_key": certificates / "collector-1.key",
        "password_file": tmp_path / "password",
    }
    (certificates / "collector-1.key").chmod(0o600)

    def reached(**changes: Any) -> str:
        settings = settings_for(secured, database=whole | changes)
        with pytest.raises(StoreError) as raised:
            Writer(settings.database).tidy()
        return str(raised.value)

    assert "version 0 of the tables" in reached()  # connected: there are no tables yet
    assert "password authentication failed" in reached(password_file=tmp_path / "wrong")
    assert "certificate" in reached(ca_file=certificates / "other.pem")
    assert "client certificate" in reached(client_certificate=None, client_key=None)
    assert "no encryption" in reached(
        tls="off", ca_file=None, client_certificate=None, client_key=None
    )


def test_ok__example_of_the_settings_names_every_key_with_its_default(tmp_path: Path) -> None:
    text = (SERVER / "collector.toml").read_text()
    loaded = load_collector_settings(SERVER / "collector.toml")
    tables = tomllib.loads(re.sub(r"^#(?=\w+ = )", "", text, flags=re.M))
    for table, field in CollectorSettings.model_fields.items():
        if table == "name":
            continue
        model = type(getattr(loaded, table))
        assert tables[table].keys() == model.model_fields.keys(), field
        for key, each in model.model_fields.items():
            if f"\n{key} = " in text and not each.is_required():
                assert getattr(getattr(loaded, table), key) == each.get_default(), (table, key)


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)
def test_ok__unit_is_valid_and_sandboxed(tmp_path: Path) -> None:
    text = re.sub(r"/opt/plategate-collector/\S+", "/bin/true", UNIT.read_text())
    (tmp_path / UNIT.name).write_text(text)
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / UNIT.name)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    # The servers that it starts after need not be installed where tests run.
    assert (verified.stdout + verified.stderr, verified.returncode) == ("", 0)
    outcome = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(UNIT)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    exposure = re.search(r"Overall exposure level for \S+: ([0-9.]+)", outcome.stdout)
    assert exposure is not None, outcome.stdout + outcome.stderr
    assert float(exposure[1]) <= EXPOSURE_LIMIT
    unit = settings_of(UNIT)
    assert unit["ProtectSystem"] == ["strict"]
    assert "ReadWritePaths" not in unit
    assert unit["CapabilityBoundingSet"] == [""]


def test_ok__queries_of_the_dashboard_run_as_a_reader(database: Postgres) -> None:
    dashboard = json.loads((SERVER / "grafana-fleet.json").read_text())
    queries = [target["rawSql"] for panel in dashboard["panels"] for target in panel["targets"]]
    queries += [v["query"] for v in dashboard["templating"]["list"] if v["type"] == "query"]
    assert len(queries) == 12
    writer = Writer(settings_for(database).database)
    writer.close()
    database.sql("DROP ROLE IF EXISTS viewer", "CREATE ROLE viewer LOGIN IN ROLE plategate_reader")
    try:
        for query in queries:
            sql = query.replace("${gate:sqlstring}", "'north','south'")
            sql = re.sub(
                r"\$__timeFilter\((\w+)\)", r"\1 BETWEEN now() - interval '7 d' AND now()", sql
            )
            rows(database, sql, user="viewer")
    finally:
        database.sql("DROP ROLE viewer")
