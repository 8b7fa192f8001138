# SPDX-License-Identifier: Apache-2.0
"""Events reach a real Mosquitto: in order, whatever fails, encrypted, without personal data."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from plategate.cli import app
from plategate.errors import DeliveryError
from plategate.journal import Journal
from plategate.outbound.positions import Positions, read_positions
from plategate.remote.protocol import AnswerResult, CommandAnswer, CommandRequest
from plategate.remote.server import CommandServer

from .conftest import (
    PLATE,
    WITHIN_S,
    Broker,
    Listener,
    a_passage,
    an_event,
    running,
    settings_for,
    target,
    wait_for,
)

EVENTS = "plategate/gate/events"


def numbers(listener: Listener) -> list[int]:
    """The sequence numbers that arrived, each once, in the order of their first arrival."""
    found = [json.loads(payload)["sequence"] for payload in listener.on(EVENTS)]
    return list(dict.fromkeys(found))


def wait_for_start(folder: Path) -> None:
    """A new target gets what happens after its first look at the journal."""
    wait_for(lambda: read_positions(folder / "outbound"), "the first look at the journal")


def test_ok__events_arrive_in_order_with_ids(
    tmp_path: Path, journal: Journal, broker: Broker, listener: Listener
) -> None:
    journal.record(a_passage(0))  # before the first start: not sent
    with running(settings_for(tmp_path, target(broker.port, plate="full"))):
        wait_for_start(tmp_path)
        journal.record(a_passage(1))
        journal.add_event(an_event("tailgated"))
        journal.record(a_passage(2))
        wait_for(lambda: len(listener.on(EVENTS)) == 3, "the arrival of three events")
    found = [json.loads(payload) for payload in listener.on(EVENTS)]
    assert [each["sequence"] for each in found] == [2, 3, 4]
    passage = "passage.granted"
    assert [each["type"] for each in found] == [passage, "gate.tailgated", passage]
    assert found[0]["id"] == f"gate-{found[0]['journal']}-2"
    assert found[0]["data"]["verdict"]["plate"] == PLATE
    assert found[0]["data"]["verdict"]["entry"]["holder"] == "Secret Holder"
    assert "salt" not in found[0]["data"]


@pytest.mark.parametrize("plate", ["hmac", "none"])
def test_ok__no_personal_data_unless_asked_for(
    tmp_path: Path, journal: Journal, broker: Broker, listener: Listener, plate: str
) -> None:
    with running(settings_for(tmp_path, target(broker.port, plate=plate))):
        wait_for_start(tmp_path)
        journal.record(a_passage(1))
        journal.add_event(an_event("command", '{"who": "Secret Holder"}'))
        journal.add_event(an_event("fault", "left_open"))
        wait_for(lambda: len(listener.on(EVENTS)) == 3, "the arrival of three events")
    assert not [p for _, p, _ in listener.received if b"SECRET" in p.upper()]
    passage, command, fault = (json.loads(payload)["data"] for payload in listener.on(EVENTS))
    assert command["detail"] == ""
    assert fault["detail"] == "left_open"
    hashed = passage["verdict"]["plate"]
    assert hashed is None if plate == "none" else hashed.startswith("hmac-sha256:")


def test_ok__broker_that_stops_again_and_again_misses_nothing(
    tmp_path: Path, journal: Journal, broker: Broker, listener: Listener
) -> None:
    settings = settings_for(tmp_path, target(broker.port))
    with running(settings):
        wait_for_start(tmp_path)
        for number in range(1, 61):
            journal.record(a_passage(number))
            if number % 20 == 10:
                broker.stop()
            if number % 20 == 15:
                broker.start()
        wait_for(lambda: len(numbers(listener)) == 60, "the arrival of 60 events")
    assert numbers(listener) == list(range(1, 61))


def test_ok__stopped_process_goes_on_where_it_was(
    tmp_path: Path, journal: Journal, broker: Broker, listener: Listener
) -> None:
    settings = settings_for(tmp_path, target(broker.port))
    with running(settings):
        wait_for_start(tmp_path)
        journal.record(a_passage(1))
        wait_for(lambda: numbers(listener) == [1], "the first event")
    journal.record(a_passage(2))
    with running(settings):
        wait_for(lambda: 2 in numbers(listener), "the second event")
    assert len(listener.on(EVENTS)) == 2


def test_ok__only_wanted_types_are_sent(
    tmp_path: Path, journal: Journal, broker: Broker, listener: Listener
) -> None:
    with running(settings_for(tmp_path, target(broker.port, events=["gate.f*"]))):
        wait_for_start(tmp_path)
        journal.record(a_passage(1))
        journal.add_event(an_event("mode"))
        journal.add_event(an_event("fault"))
        wait_for(lambda: listener.on(EVENTS), "the arrival of the fault")
        wait_for(
            lambda: read_positions(tmp_path / "outbound")["broker"].sequence == 3, "the position"
        )
    assert numbers(listener) == [3]


def test_ok__a_target_that_is_down_delays_no_other(
    tmp_path: Path, journal: Journal, broker: Broker, listener: Listener
) -> None:
    down = target(1, name="down")
    with running(settings_for(tmp_path, down, target(broker.port))):
        wait_for(lambda: read_positions(tmp_path / "outbound").get("broker"), "the first look")
        journal.record(a_passage(1))
        wait_for(lambda: numbers(listener) == [1], "the event")


def program(folder: Path, broker: Broker, *words: str) -> list[str]:
    """The command line of the process, with a settings file in `folder`."""
    config = folder / "settings.toml"
    config.write_text(
        f'[journal]\ndir = "{folder}/journal"\nmin_free_mb = 10\n'
        f'[health]\nsocket = "{folder}/status.sock"\n'
        f'[outbound]\nstate_dir = "{folder}/outbound"\n'
        f'[[outbound.mqtt]]\nname = "broker"\nhost = "127.0.0.1"\nport = {broker.port}\n'
        "tls = false\n"
    )
    return [sys.executable, "-m", "plategate", "outbound", *words, "--config", str(config)]


def test_ok__process_is_online_until_it_is_killed_and_again_after_that(
    tmp_path: Path, journal: Journal, broker: Broker, listener: Listener
) -> None:
    availability = "plategate/gate/availability"
    for end in (signal.SIGKILL, signal.SIGTERM):
        listener.received.clear()
        process = subprocess.Popen(program(tmp_path, broker, "run"), env=dict(os.environ))
        wait_for(lambda: listener.on(availability)[-1:] == [b"online"], "online")
        process.send_signal(end)
        wait_for(lambda: listener.on(availability)[-1:] == [b"offline"], "offline")
        assert process.wait(20) == (0 if end == signal.SIGTERM else -signal.SIGKILL)


def test_ok__test_message_and_status(
    tmp_path: Path, journal: Journal, broker: Broker, listener: Listener
) -> None:
    words = program(tmp_path, broker, "test", "broker")[3:]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    wait_for(lambda: listener.on(EVENTS), "the test message")
    assert json.loads(listener.on(EVENTS)[0])["type"] == "outbound.test"
    assert not listener.on("plategate/gate/availability")
    with running(settings_for(tmp_path, target(broker.port))):
        wait_for_start(tmp_path)
    shown = CliRunner().invoke(app, program(tmp_path, broker, "status")[3:])
    assert (shown.exit_code, shown.output) == (0, "broker: 0 events wait\n")
    broker.stop()
    failed = CliRunner().invoke(app, words)
    assert isinstance(failed.exception, DeliveryError)
    assert f"127.0.0.1:{broker.port}: cannot connect" in str(failed.exception)


def test_fail__problem_of_a_target_is_shown(
    tmp_path: Path, journal: Journal, broker: Broker
) -> None:
    with running(settings_for(tmp_path, target(broker.port))):
        wait_for_start(tmp_path)
        broker.stop()
        journal.record(a_passage(1))
        wait_for(lambda: read_positions(tmp_path / "outbound")["broker"].problem, "the problem")
        shown = CliRunner().invoke(app, program(tmp_path, broker, "status")[3:])
    assert shown.exit_code == 1
    assert "broker: 1 events wait; failing: 127.0.0.1" in shown.output


class Gate:
    """Takes commands as a gate would, and remembers them."""

    def __init__(self, file: Path) -> None:
        self.requests: list[tuple[CommandRequest, str]] = []
        self._server = CommandServer(file, self._handle)

    def _handle(self, request: CommandRequest, user: str) -> CommandAnswer:
        self.requests.append((request, user))
        return CommandAnswer(request.id, AnswerResult.ACCEPTED, "opens", "p1")

    def close(self) -> None:
        self._server.close()


COMMAND = {"id": "x1", "command": "open", "expires_at": "2020-01-01T00:00:00Z"}


def test_fail__no_command_is_taken_by_default(
    tmp_path: Path, journal: Journal, broker: Broker, listener: Listener
) -> None:
    gate = Gate(tmp_path / "command.sock")
    with running(settings_for(tmp_path, target(broker.port))):
        wait_for_start(tmp_path)
        listener.client.publish("plategate/gate/command", json.dumps(COMMAND), qos=1)
        journal.record(a_passage(1))
        wait_for(lambda: numbers(listener) == [1], "the event")
    gate.close()
    assert not gate.requests
    assert not listener.on("plategate/gate/answer")


@pytest.mark.parametrize(
    ("change", "retain", "result"),
    [
        ({}, False, "accepted"),  # whether it is too late or repeated is the gate's to decide
        ({}, True, "malformed"),
        ({"command": "hold"}, False, "not_allowed"),
        ({"expires_at": "2999-01-01T00:00:00Z"}, False, "malformed"),
        ({"via": "console"}, False, "malformed"),
        ({"from": "192.0.2.1"}, False, "malformed"),
        ({"id": "../x"}, False, "malformed"),
    ],
)
def test_ok__allowed_command_goes_to_the_gate_and_is_answered(
    tmp_path: Path,
    journal: Journal,
    broker: Broker,
    listener: Listener,
    change: dict[str, str],
    retain: bool,
    result: str,
) -> None:
    gate = Gate(tmp_path / "command.sock")
    if retain:
        document = json.dumps(COMMAND | change)
        listener.client.publish("plategate/gate/command", document, 1, True).wait_for_publish(20)
    with running(settings_for(tmp_path, target(broker.port, commands=["open"]))):
        wait_for(lambda: listener.on("plategate/gate/state"), "the start")
        if not retain:
            listener.client.publish("plategate/gate/command", json.dumps(COMMAND | change), qos=1)
        wait_for(lambda: listener.on("plategate/gate/answer"), "the answer")
    gate.close()
    assert json.loads(listener.on("plategate/gate/answer")[0])["result"] == result
    assert [request.via for request, _ in gate.requests] == ["mqtt"] * (result == "accepted")


def test_ok__positions_are_kept_in_the_state_folder(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "outbound.sqlite").close()
    (tmp_path / "outbound.sqlite").touch()  # as another process sees it before it has tables
    assert read_positions(tmp_path) == {}
    positions = Positions(tmp_path)
    assert positions.get("broker") is None
    positions.close()
    assert read_positions(tmp_path) == {}


def test_ok__process_without_targets_is_a_start_that_succeeded(tmp_path: Path) -> None:
    """Else systemd takes its end for a failure and starts it again every ten seconds."""
    config = tmp_path / "settings.toml"
    config.write_text(f'[outbound]\nstate_dir = "{tmp_path}/outbound"\n')
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(WITHIN_S)
        command = [sys.executable, "-m", "plategate", "outbound", "run", "--config", str(config)]
        environment = os.environ | {"NOTIFY_SOCKET": str(tmp_path / "notify")}
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
        assert systemd.recv(100) == b"READY=1"
    assert done.returncode == 0
    assert b"no targets" in done.stderr
