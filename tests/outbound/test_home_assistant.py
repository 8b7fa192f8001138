# SPDX-License-Identifier: Apache-2.0
"""The discovery message is the one that Home Assistant's own schemas accepted.

`golden/device.json` was checked with the schemas of homeassistant 2025.4.4. With an interpreter in
PLATEGATE_HOME_ASSISTANT that has Home Assistant, the check is made again.
"""

from __future__ import annotations

import json
import os
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from plategate.clock import SystemClock
from plategate.health.gate_state import arm_position
from plategate.health.monitor import Health
from plategate.health.socket import StatusSocket
from plategate.journal import Journal
from plategate.lane.state import ArmStage
from plategate.outbound.home_assistant import ALARM_EVENTS, PASSAGE_EVENTS, device_document
from plategate.outbound.positions import read_positions
from plategate.settings.commands import ALL

from .conftest import (
    Broker,
    Listener,
    a_passage,
    an_event,
    running,
    settings_for,
    target,
    wait_for,
)

HERE = Path(__file__).parent
DISCOVERY = "homeassistant/device/plategate_gate/config"
HOME_ASSISTANT = os.environ.get("PLATEGATE_HOME_ASSISTANT")


def whole_device() -> dict[str, Any]:
    """The message with everything that settings can switch on."""
    return device_document(
        "gate",
        "1.2.3",
        lambda last: f"plategate/gate/{last}",
        "plategate/latest_version",
        buttons=ALL,
        pictures=True,
    )


def test_ok__discovery_is_the_accepted_one() -> None:
    accepted = json.loads((HERE / "golden" / "device.json").read_text(encoding="utf-8"))
    assert whole_device() == accepted


@pytest.mark.skipif(HOME_ASSISTANT is None, reason="PLATEGATE_HOME_ASSISTANT is not set")
def test_ok__home_assistant_accepts_the_discovery() -> None:
    done = subprocess.run(
        [str(HOME_ASSISTANT), str(HERE / "home_assistant_check.py")],
        input=json.dumps(whole_device()),
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"]},
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_ok__nothing_can_be_commanded_by_default() -> None:
    document = device_document("gate", "1", str, "latest", buttons=(), pictures=False)
    assert "command_topic" not in json.dumps(document)
    assert "image" not in {each["platform"] for each in document["components"].values()}


def test_ok__entities_get_their_events(
    tmp_path: Path, journal: Journal, broker: Broker, listener: Listener
) -> None:
    with running(settings_for(tmp_path, target(broker.port, plate="full"))):
        wait_for(lambda: read_positions(tmp_path / "outbound"), "the first look at the journal")
        journal.record(a_passage(1))
        journal.add_event(an_event("fire"))
        journal.add_event(an_event("camera_back"))
        wait_for(lambda: len(listener.on("plategate/gate/events")) == 3, "three events")
    (passage,) = listener.on("plategate/gate/passage")
    (alarm,) = listener.on("plategate/gate/alarm")
    shown = json.loads(passage)
    assert (shown["event_type"], shown["plate"]) == ("granted", "SECRET77")
    assert shown["event_type"] in PASSAGE_EVENTS
    assert json.loads(alarm)["event_type"] == "fire"
    assert "fire" in ALARM_EVENTS
    # Momentary: a subscriber that comes later must not take them for new ones.
    assert not [topic for topic, _, retain in listener.received if retain]
    late = Listener(broker.port)
    wait_for(lambda: late.on(DISCOVERY), "the retained discovery")
    retained = {topic for topic, _, retain in late.received if retain}
    assert retained == {DISCOVERY, "plategate/gate/availability", "plategate/gate/state"}
    late.close()


def test_ok__discovery_is_sent_again_when_home_assistant_starts(
    tmp_path: Path, journal: Journal, broker: Broker, listener: Listener
) -> None:
    with running(settings_for(tmp_path, target(broker.port))):
        wait_for(lambda: listener.on(DISCOVERY), "the discovery")
        listener.client.publish("homeassistant/status", "online", qos=1)
        wait_for(lambda: len(listener.on(DISCOVERY)) == 2, "the second discovery")
        wait_for(lambda: len(listener.on("plategate/gate/state")) == 2, "the second state")


def test_ok__discovery_can_be_switched_off(
    tmp_path: Path, journal: Journal, broker: Broker, listener: Listener
) -> None:
    with running(settings_for(tmp_path, target(broker.port, home_assistant=False))):
        wait_for(lambda: listener.on("plategate/gate/state"), "the state")
    assert {topic.split("/")[0] for topic, _, _ in listener.received} == {"plategate"}


def test_ok__picture_is_sent_where_it_is_switched_on(
    tmp_path: Path, journal: Journal, broker: Broker, listener: Listener
) -> None:
    picture = tmp_path / "journal" / "evidence" / "plate.jpg"
    picture.parent.mkdir()
    picture.write_bytes(b"a picture")
    without = target(broker.port, name="without", topic="without")
    with running(settings_for(tmp_path, target(broker.port, pictures=True), without)):
        wait_for(lambda: len(read_positions(tmp_path / "outbound")) == 2, "the first look")
        # As the journal stores it with the passage of this number.
        journal._store.database.execute(
            "INSERT INTO evidence VALUES (1, 'plate', 'evidence/plate.jpg', '', 9)"
        )
        journal.record(a_passage(1))
        wait_for(lambda: listener.on("plategate/gate/picture"), "the picture")
        wait_for(lambda: listener.on("without/gate/events"), "the event of the other target")
    assert listener.on("plategate/gate/picture") == [b"a picture"]
    assert not listener.on("without/gate/picture")


def test_ok__state_has_version_and_vehicles_inside(
    tmp_path: Path, journal: Journal, broker: Broker, listener: Listener
) -> None:
    health = Health(SystemClock(), lambda _: None)
    site = {"name": "", "inside": 17, "places": 20, "full": False}
    health.add_source("occupancy", lambda: [site, site | {"name": "guests", "inside": 3}])
    status = StatusSocket(tmp_path / "status.sock", health.status)
    with running(settings_for(tmp_path, target(broker.port))):
        (state, *_) = wait_for(lambda: listener.on("plategate/gate/state"), "the state")
    status.close()
    found = json.loads(state)
    assert (found["inside"], found["places"], found["full"]) == (17, 20, False)
    assert found["version"] == version("plategate")


@pytest.mark.parametrize(
    ("lane", "position"),
    [
        ({"arm": "resting", "inputs": {}, "held": False}, "closed"),
        ({"arm": "resting", "inputs": {}, "held": True}, "open"),
        ({"arm": "resting", "inputs": {"arm_up": "active"}, "held": False}, "open"),
        ({"arm": "raising", "inputs": {"arm_up": "inactive"}, "held": True}, "opening"),
        ({"arm": "lowering", "inputs": {"arm_down": "inactive"}, "held": False}, "closing"),
        ({"arm": "up", "inputs": {"arm_down": "active"}, "held": False}, "closed"),
        ({}, None),
    ],
)
def test_ok__arm_is_shown_as_the_limit_switches_say(
    lane: dict[str, Any], position: str | None
) -> None:
    assert arm_position(lane) == position


def test_ok__every_stage_of_the_arm_has_a_position() -> None:
    assert None not in {arm_position({"arm": stage.value}) for stage in ArmStage}
