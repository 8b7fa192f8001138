# SPDX-License-Identifier: Apache-2.0
"""TLS, client certificates, passwords and access rules at a real Mosquitto; broken connections."""

from __future__ import annotations

import gc
import json
import random
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest

from plategate.errors import DeliveryError, GateError, SettingsError
from plategate.journal import Journal
from plategate.outbound.mqtt import MqttTarget
from plategate.outbound.positions import read_positions
from plategate.outbound.run import mqtt_site

from .certificates import make_certificates
from .conftest import Broker, Listener, a_passage, running, settings_for, target, wait_for
from .cutting_proxy import CuttingProxy

EVENTS = "plategate/gate/events"


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[Broker]:
    """TLS, client certificate, password and an access list: the gate may only use its topics."""
    make_certificates(tmp_path)
    for user in ("gate", "reader"):
        words = ["mosquitto_passwd", "-b", "passwords", user, f"{user}-password"]
        (tmp_path / "passwords").touch()
        subprocess.run(words, cwd=tmp_path, check=True, capture_output=True)
    (tmp_path / "password").write_text("gate-password\n")
    (tmp_path / "acl").write_text(
        "user gate\ntopic readwrite plategate/gate/#\ntopic write homeassistant/device/#\n"
        "topic read homeassistant/status\nuser reader\ntopic read #\n"
    )
    broker = Broker(
        tmp_path,
        f"cafile {tmp_path}/ca.pem",
        f"certfile {tmp_path}/broker.pem",
        f"keyfile {tmp_path}/broker.key",
        "require_certificate true",
        "allow_anonymous false",
        f"password_file {tmp_path}/passwords",
        f"acl_file {tmp_path}/acl",
    )
    broker.start()
    yield broker
    broker.stop()


def secured_target(folder: Path, broker: Broker, **changes: Any) -> dict[str, Any]:
    options = {
        "tls": True,
        "ca_file": folder / "ca.pem",
        "client_certificate": folder / "gate.pem",
        "client_key": folder / "gate.key",
        "user": "gate",
        "password_file": folder / "password",
    }
    return target(broker.port, **(options | changes))


def test_ok__tls_with_client_certificate_password_and_access_list(
    tmp_path: Path, journal: Journal, secured: Broker
) -> None:
    def prepare(client: paho.Client) -> None:
        context = ssl.create_default_context(cafile=tmp_path / "ca.pem")
        context.load_cert_chain(tmp_path / "gate.pem", tmp_path / "gate.key")
        client.tls_set_context(context)
        client.username_pw_set("reader", "reader-password")

    listener = Listener(secured.port, prepare)
    with running(settings_for(tmp_path, secured_target(tmp_path, secured))):
        wait_for(lambda: read_positions(tmp_path / "outbound"), "the first look at the journal")
        journal.record(a_passage(1))
        wait_for(lambda: listener.on(EVENTS), "the event")
        discovery = "homeassistant/device/plategate_gate/config"
        assert listener.on(discovery)
    listener.close()


# paho leaves the socket of a failed handshake to be closed by its deletion.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"ca_file": "other.pem"}, "certificate verify failed"),
        ({"ca_file": None}, "certificate verify failed"),
        ({"client_certificate": None, "client_key": None}, "127.0.0.1:"),
        ({"user": "reader"}, "Not authorized"),
        ({"user": None, "password_file": None}, "Not authorized"),
        ({"tls": False, "ca_file": None, "client_certificate": None, "client_key": None}, "127"),
    ],
)
def test_fail__what_the_broker_or_the_gate_does_not_trust(
    tmp_path: Path, secured: Broker, changes: dict[str, Any], wrong: str
) -> None:
    if changes.get("ca_file"):
        changes = {"ca_file": tmp_path / changes["ca_file"]}
    error = refusal(tmp_path, secured_target(tmp_path, secured, **changes))
    assert isinstance(error, DeliveryError)
    assert f"127.0.0.1:{secured.port}: " in str(error)
    assert wrong in str(error)


@pytest.mark.parametrize("key", ["ca_file", "client_key", "password_file"])
def test_fail__file_that_is_missing_is_named(tmp_path: Path, secured: Broker, key: str) -> None:
    missing = tmp_path / "missing"
    error = refusal(tmp_path, secured_target(tmp_path, secured, **{key: missing}))
    assert isinstance(error, SettingsError)
    assert str(missing) in str(error)


def refusal(folder: Path, options: dict[str, Any]) -> GateError:
    """The error of a connection that must fail."""
    settings = settings_for(folder, options)
    mqtt = settings.outbound.mqtt[0]
    client = MqttTarget(mqtt, mqtt_site(settings, mqtt, lambda: 0), lambda: None)
    with pytest.raises(GateError) as caught:
        client.open()
    client.close()
    caught.value.__cause__ = caught.value.__context__ = None  # they refer to the socket
    gc.collect()
    return caught.value


def test_ok__connection_cut_at_random_misses_nothing_and_repeats_with_the_same_id(
    tmp_path: Path, journal: Journal, broker: Broker, listener: Listener
) -> None:
    chance = random.Random(7)
    with (
        CuttingProxy(broker.port) as proxy,
        running(settings_for(tmp_path, target(proxy.port))),
    ):
        wait_for(lambda: read_positions(tmp_path / "outbound"), "the first look at the journal")
        for number in range(1, 101):
            journal.record(a_passage(number))
            if number % 20 == 10:
                # In the middle of a message, or of an acknowledgement.
                proxy.cut_after(chance.randrange(3000))

        def ids() -> list[str]:
            return [json.loads(payload)["id"] for payload in listener.on(EVENTS)]

        wait_for(lambda: len(set(ids())) == 100, "the arrival of 100 events")
        assert proxy.cuts >= 1
    first = [int(each.rsplit("-", 1)[1]) for each in dict.fromkeys(ids())]
    assert first == list(range(1, 101))


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_certificate": "/x.pem"},
        {"password_file": "/x"},
        {"tls": False, "ca_file": "/x"},
        {"commands": ["shutdown"]},
        {"topic": "a/#"},
        {"name": "Two Words"},
    ],
)
def test_fail__settings_of_a_target_that_cannot_work(tmp_path: Path, wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"outbound\.mqtt"):
        settings_for(tmp_path, {"name": "broker", "host": "localhost"} | wrong)


def test_fail__two_targets_of_one_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="same name"):
        settings_for(tmp_path, target(1), target(2))


def test_ok__new_target_gets_what_happens_before_it_can_be_reached(
    tmp_path: Path, journal: Journal, broker: Broker, listener: Listener
) -> None:
    broker.stop()
    journal.record(a_passage(1))  # before the first start of the process
    with running(settings_for(tmp_path, target(broker.port))):
        wait_for(lambda: read_positions(tmp_path / "outbound"), "the start")
        journal.record(a_passage(2))
        broker.start()
        wait_for(lambda: listener.on(EVENTS), "the event")
    (event,) = [json.loads(payload) for payload in listener.on(EVENTS)]
    assert event["sequence"] == 2
