# SPDX-License-Identifier: Apache-2.0
"""Events are sent again to a collector that asks for them: bounded, at a limited rate, or not."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from plategate.errors import CommandError, SettingsError
from plategate.journal import Journal
from plategate.outbound import mqtt_site
from plategate.outbound import replay as outbound_replay
from plategate.outbound.positions import read_positions
from plategate.outbound.run import OutboundProcess
from plategate.replay import ReplayRequest, parse_replay_request
from plategate.settings.outbound import MqttSettings
from plategate.settings.reading import check

from .conftest import AT, Broker, Listener, a_passage, running, settings_for, target, wait_for

EVENTS = "plategate/gate/events"
REPLAY = "plategate/gate/replay"
OLD = (2, 3)  # passages that `Journal.tidy` deletes


def received(listener: Listener) -> list[dict[str, Any]]:
    return [json.loads(payload) for payload in listener.on(EVENTS)]


def numbers(listener: Listener) -> list[int]:
    return [message["sequence"] for message in received(listener)]


@contextmanager
def sent(
    tmp_path: Path, journal: Journal, broker: Broker, listener: Listener, **options: Any
) -> Iterator[OutboundProcess]:
    """A gate that has sent five passages."""
    options = {"fleet": True, "home_assistant": True} | options
    with running(settings_for(tmp_path, target(broker.port, **options))) as process:
        wait_for(lambda: read_positions(tmp_path / "outbound"))
        for number in range(1, 6):
            at = AT - timedelta(days=300) if number in OLD else AT
            journal.record(replace(a_passage(number), triggered_at=at))
        wait_for(lambda: numbers(listener) == [1, 2, 3, 4, 5])
        yield process


def ask(listener: Listener, request: ReplayRequest | bytes, **how: Any) -> None:
    payload = request if isinstance(request, bytes) else request.encoded()
    listener.client.publish(REPLAY, payload, qos=1, **how).wait_for_publish(20)


def identity(tmp_path: Path) -> str:
    return f"{read_positions(tmp_path / 'outbound')['broker'].journal:08x}"


def test_ok__events_are_repeated_with_the_same_ids(
    tmp_path: Path, journal: Journal, broker: Broker, listener: Listener
) -> None:
    with sent(tmp_path, journal, broker, listener):
        before = received(listener)
        shown = len(listener.on("plategate/gate/passage"))
        ask(listener, ReplayRequest(identity(tmp_path), ((2, 3), (5, 5))))
        wait_for(lambda: len(received(listener)) == 8)
        assert received(listener)[5:] == [before[1], before[2], before[4]]
        # New events come between, and Home Assistant sees no passage twice.
        journal.record(a_passage(6))
        wait_for(lambda: numbers(listener)[-1] == 6)
        wait_for(lambda: len(listener.on("plategate/gate/passage")) > shown)
        assert len(listener.on("plategate/gate/passage")) == shown + 1


def test_ok__what_is_not_in_the_journal_any_more_is_reported(
    tmp_path: Path, journal: Journal, broker: Broker, listener: Listener
) -> None:
    with sent(tmp_path, journal, broker, listener):
        own = identity(tmp_path)
        journal.tidy(AT, clock_trusted=True)
        ask(listener, ReplayRequest(own, ((1, 3),)))
        ask(listener, ReplayRequest("0badcafe", ((7, 9),)))
        ask(listener, ReplayRequest(own, ((4, 60),)))  # beyond the newest: nothing is claimed
        wait_for(lambda: len(received(listener)) == 10)
    found = [
        (m["journal"], m["sequence"]) if m["type"] != "outbound.gap" else (m["journal"], m["data"])
        for m in received(listener)[5:]
    ]
    assert found == [
        (own, 1),
        (own, {"after": 1, "until": 3, "missing": 2, "reason": "deleted"}),
        ("0badcafe", {"after": 6, "until": 9, "missing": 3, "reason": "new_journal"}),
        (own, 4),
        (own, 5),
    ]


def test_ok__state_names_the_newest_event(
    tmp_path: Path, journal: Journal, broker: Broker, listener: Listener
) -> None:
    with sent(tmp_path, journal, broker, listener, state_every_s=1):
        own = identity(tmp_path)

        def newest() -> tuple[Any, Any]:
            state = json.loads(listener.on("plategate/gate/state")[-1])
            return state.get("journal"), state.get("sequence")

        wait_for(lambda: newest() == (own, 5))


def test_ok__state_is_repeated_so_that_a_quiet_gate_is_not_taken_for_silent(
    tmp_path: Path,
    journal: Journal,
    broker: Broker,
    listener: Listener,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mqtt_site, "FLEET_STATE_EVERY_S", 0.5)
    with sent(tmp_path, journal, broker, listener, state_every_s=1):
        wait_for(lambda: len(listener.on("plategate/gate/state")) >= 4)
        states = listener.on("plategate/gate/state")
        assert states[-1] == states[-2]


def test_fail__off_unless_the_setting_is_on(
    tmp_path: Path, journal: Journal, broker: Broker, listener: Listener
) -> None:
    with sent(tmp_path, journal, broker, listener, fleet=False):
        ask(listener, ReplayRequest(identity(tmp_path), ((1, 5),)))
        journal.record(a_passage(6))
        wait_for(lambda: numbers(listener)[-1] == 6)
        assert numbers(listener) == [1, 2, 3, 4, 5, 6]
        assert "sequence" not in json.loads(listener.on("plategate/gate/state")[-1])


def test_fail__retained_and_malformed_requests_are_refused(
    tmp_path: Path,
    journal: Journal,
    broker: Broker,
    listener: Listener,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # Published before the gate connects: a retained message is the first that it gets.
    ask(listener, ReplayRequest("1f0a77c2", ((1, 5),)), retain=True)
    with caplog.at_level(logging.WARNING), sent(tmp_path, journal, broker, listener):
        wait_for(lambda: "a retained message is no request" in caplog.text)
        ask(listener, b"\xff")
        ask(listener, ReplayRequest(identity(tmp_path), ((5, 5),)))
        wait_for(lambda: numbers(listener) == [1, 2, 3, 4, 5, 5])
        assert "the request is not JSON in UTF-8" in caplog.text


def test_ok__rate_is_limited_and_a_repeated_request_counts_once(
    tmp_path: Path,
    journal: Journal,
    broker: Broker,
    listener: Listener,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With one event a minute nothing more comes after the first page."""
    monkeypatch.setattr(outbound_replay, "PAGE", 2)
    with sent(tmp_path, journal, broker, listener, replay_per_minute=1):
        request = ReplayRequest(identity(tmp_path), ((1, 5),))
        for _ in range(40):
            ask(listener, request)
        wait_for(lambda: len(received(listener)) == 7)
        for number in range(6, 9):
            journal.record(a_passage(number))
        wait_for(lambda: numbers(listener)[-1] == 8)
        assert numbers(listener) == [1, 2, 3, 4, 5, 1, 2, 6, 7, 8]


def test_fail__no_more_requests_wait_than_are_held(
    tmp_path: Path,
    journal: Journal,
    broker: Broker,
    listener: Listener,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with (
        caplog.at_level(logging.WARNING),
        sent(tmp_path, journal, broker, listener, replay_per_minute=1),
    ):
        own = identity(tmp_path)
        for last in range(1, outbound_replay.WAITING_MAX + 20):
            ask(listener, ReplayRequest(own, ((1, last),)))
        wait_for(lambda: f"{outbound_replay.WAITING_MAX} are waiting already" in caplog.text)


def test_fail__a_fleet_needs_every_event() -> None:
    raw = target(1883, fleet=True, events=["passage.*"])
    with pytest.raises(SettingsError, match=r'fleet = true needs events = \["\*"\]'):
        check(MqttSettings, raw, "settings.toml")


def test_ok__request_is_read_as_it_was_written() -> None:
    request = ReplayRequest("1f0a77c2", ((1, 5), (9, 9)))
    assert parse_replay_request(request.encoded()) == request


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"schema": 2}, "schema: '2' is unknown"),
        ({"journal": "../etc"}, "journal: '../etc' must be eight"),
        ({"journal": 5}, "journal: '5' must be eight"),
        ({"ranges": []}, "must be a list of 1 to 50"),
        ({"ranges": [[n, n] for n in range(1, 52)]}, "must be a list of 1 to 50"),
        ({"ranges": [[1]]}, "must be two whole numbers"),
        ({"ranges": [[1, True]]}, "must be two whole numbers"),
        ({"ranges": [[1, 2.0]]}, "must be two whole numbers"),
        ({"ranges": [[0, 1]]}, "must ascend"),
        ({"ranges": [[5, 4]]}, "must ascend"),
        ({"ranges": [[1, 4], [4, 5]]}, "must ascend"),
        ({"ranges": [[1, 2**63]]}, "must ascend"),
        ({"ranges": [[1, 1001]]}, "1001 events are more than 1000"),
        ({"more": 1}, "must have the keys"),
    ],
)
def test_fail__request_that_is_refused(changes: dict[str, Any], reason: str) -> None:
    document = {"schema": 1, "journal": "1f0a77c2", "ranges": [[1, 5]]} | changes
    with pytest.raises(CommandError) as raised:
        parse_replay_request(json.dumps(document).encode())
    assert reason in str(raised.value)
