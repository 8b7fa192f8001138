# SPDX-License-Identifier: Apache-2.0
"""From a real broker to a real database: each event once, whatever is killed or sent twice."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import psycopg
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from plategate.collector.settings import CollectorSettings
from plategate.collector.subscription import Subscription
from tests.outbound.conftest import Broker, wait_for
from tests.outbound.cutting_proxy import CuttingProxy

from .conftest import JOURNAL, collecting, message, rows, settings_for
from .postgres import Postgres


class Gate:
    """Publishes messages, and waits for the acknowledgement of the broker."""

    def __init__(self, port: int) -> None:
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def publish(self, payload: bytes, topic: str = "plategate/north/events", **how: Any) -> None:
        self._client.publish(topic, payload, **({"qos": 1} | how)).wait_for_publish(20)

    def events(self, *sequences: int, gate: str = "north") -> None:
        for sequence in sequences:
            payload = json.dumps(message(sequence, gate)).encode()
            self.publish(payload, f"plategate/{gate}/events")

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def gate(broker: Broker) -> Iterator[Gate]:
    gate = Gate(broker.port)
    yield gate
    gate.close()


def stored(database: Postgres) -> list[int]:
    return [n for (n,) in rows(database, "SELECT sequence FROM plategate.events ORDER BY 1")]


def connected(broker: Broker, postgres: Postgres, /, **changes: Any) -> Any:
    """A collector that has subscribed: the broker keeps what comes from now on."""

    @contextmanager
    def running() -> Iterator[Any]:
        with collecting(settings_for(postgres, broker.port, **changes)) as collector:
            wait_for(collector.is_subscribed, "the subscription")
            yield collector

    return running()


def test_ok__event_delivered_twice_is_stored_once(
    broker: Broker, database: Postgres, gate: Gate
) -> None:
    with connected(broker, database):
        gate.events(1, 2, 2, 1, 3)
        wait_for(lambda: stored(database) == [1, 2, 3])
        gate.events(2, 4)
        wait_for(lambda: stored(database) == [1, 2, 3, 4])
    found = rows(
        database, "SELECT gate, journal, plate, trigger_to_relay_ms FROM plategate.passages"
    )
    assert set(found) == {("north", JOURNAL, "AB12CDE", 812.5)}


def test_ok__broker_keeps_events_for_a_stopped_collector(
    broker: Broker, database: Postgres, gate: Gate
) -> None:
    with connected(broker, database):
        pass
    gate.events(1, 2, 3)
    with connected(broker, database):
        wait_for(lambda: stored(database) == [1, 2, 3])


def test_ok__two_collectors_share_the_events(
    broker: Broker, database: Postgres, gate: Gate
) -> None:
    with connected(broker, database, name="a") as a, connected(broker, database, name="b") as b:
        gate.events(*range(1, 41))
        wait_for(lambda: stored(database) == list(range(1, 41)))
        wait_for(lambda: a.events + b.events == 40)
        assert a.events > 0
        assert b.events > 0


def test_ok__nothing_is_acknowledged_before_the_commit(
    broker: Broker, database: Postgres, gate: Gate
) -> None:
    """Somebody else holds the table; the collector ends before it could write."""
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    with psycopg.connect(database.conninfo()) as lock:
        with connected(broker, database, database={"answer_within_s": 1}):
            lock.execute("LOCK TABLE plategate.events IN ACCESS EXCLUSIVE MODE")
            gate.events(1, 2)
            wait_for(lambda: rows(database, waiting) == [(1,)])
        lock.rollback()
    assert stored(database) == []
    with connected(broker, database):
        wait_for(lambda: stored(database) == [1, 2])


def test_ok__messages_that_are_no_events_are_kept_apart_and_hold_up_nothing(
    broker: Broker, database: Postgres, gate: Gate
) -> None:
    with connected(broker, database):
        gate.events(1)
        gate.publish(b"\x00garbage")
        gate.publish(json.dumps(message(2, "south")).encode())
        # jsonb refuses a number with so many digits; the message before and after it come through.
        huge = json.dumps(message(3)).replace("812.5", "1" + "0" * 4000 + "e" + "9" * 300)
        gate.publish(huge.encode())
        gate.events(4)
        wait_for(lambda: stored(database) == [1, 4])
        found = wait_for(
            lambda: len(r := rows(database, "SELECT reason FROM plategate.rejected")) >= 3 and r
        )
    assert len(found) == 3


def test_ok__message_without_a_promise_of_delivery_does_no_harm(
    broker: Broker, database: Postgres, gate: Gate
) -> None:
    """A message with QoS 0 has no number; to acknowledge it would end the connection."""
    with connected(broker, database):
        for sequence in (1, 2):
            gate.publish(json.dumps(message(sequence)).encode(), qos=0)
            gate.events(sequence + 10)
            wait_for(lambda last=sequence + 10: stored(database)[-1:] == [last])
        assert stored(database) == [1, 2, 11, 12]


def test_fail__message_that_is_too_long_holds_up_nothing(
    broker: Broker, database: Postgres, gate: Gate
) -> None:
    with connected(broker, database):
        gate.publish(json.dumps(message(1, data={"text": "x" * 200_000})).encode())
        gate.events(2)
        wait_for(lambda: stored(database) == [2])


def test_ok__availability_state_and_views(broker: Broker, database: Postgres, gate: Gate) -> None:
    state = {"list_age_s": 7200, "list_entries": 12, "fault": "none", "journal": JOURNAL}
    gate.publish(b"online", "plategate/north/availability", retain=True)
    gate.publish(json.dumps(state | {"sequence": 5}).encode(), "plategate/north/state", retain=True)
    gate.publish(b"offline", "plategate/south/availability", retain=True)
    with connected(broker, database):
        wait_for(lambda: len(rows(database, "SELECT * FROM plategate.gates")) == 2)
        gate.publish(json.dumps(message(7, type="passage.refused")).encode())
        wait_for(lambda: stored(database) == [7])
    ages = rows(database, "SELECT gate, extract(hour FROM age), entries FROM plategate.list_ages")
    assert ages == [("north", 2, 12)]
    assert rows(database, "SELECT gate FROM plategate.silent_gates") == [("south",)]
    gaps = rows(database, "SELECT gate, state, first, last, events FROM plategate.gaps")
    assert gaps == [("north", "missing", 6, 6, 1)]


def test_ok__gap_that_a_gate_reports_is_lost_for_good(
    broker: Broker, database: Postgres, gate: Gate
) -> None:
    def report(after: int, until: int, reason: str) -> bytes:
        data = {"after": after, "until": until, "missing": until - after, "reason": reason}
        return json.dumps(message(after, type="outbound.gap", id="any", data=data)).encode()

    with connected(broker, database):
        gate.events(1)
        gate.publish(report(1, 4, "deleted"))
        gate.publish(report(4, 9, "backlog_max"))  # still in the journal of the gate
        gate.events(10)
        wait_for(lambda: stored(database) == [1, 10])
    query = "SELECT state, first, last, reason FROM plategate.gaps ORDER BY first"
    assert rows(database, query) == [("lost", 2, 4, "deleted"), ("missing", 5, 9, None)]


def test_ok__journal_put_back_from_a_backup_loses_no_event(
    broker: Broker, database: Postgres, gate: Gate
) -> None:
    """The gate counts on from 2 again: other events, with other times, have the same ids."""
    restored = {"after": 2, "until": 2, "missing": 0, "reason": "older_journal"}
    again = message(3, timestamp="2026-11-29T08:00:00+00:00")
    with connected(broker, database):
        gate.events(1, 2, 3, 4)
        gate.publish(json.dumps(message(2, type="outbound.gap", id="x", data=restored)).encode())
        gate.publish(json.dumps(again).encode())
        wait_for(lambda: stored(database) == [1, 2, 3, 3, 4])
    repeated = rows(database, "SELECT sequence, cardinality(times) FROM plategate.repeated_numbers")
    assert repeated == [(3, 2)]
    assert rows(database, "SELECT newest, seen::text FROM plategate.streams") == [(3, "{[1,4)}")]


def test_ok__messages_do_not_pile_up_while_the_connection_ends_again_and_again(
    tmp_path: Path, database: Postgres
) -> None:
    """As they would while the database is down for hours."""
    broker = Broker(tmp_path)
    broker.start()
    found: list[str | None] = []
    subscription = Subscription(settings_for(database, broker.port), found.append)
    subscription.start()
    wait_for(subscription.is_subscribed.is_set)
    gate = Gate(broker.port)
    gate.events(1, 2, 3)
    gate.close()
    for _ in range(3):
        subscription.is_subscribed.clear()
        broker.stop()
        broker.start()
        wait_for(subscription.is_subscribed.is_set)
    batch = subscription.batch(100, 2.0, 5.0)
    assert sorted(json.loads(each.payload)["sequence"] for each in batch) == [1, 2, 3]
    subscription.acknowledge(batch)
    subscription.close()
    broker.stop()


def test_fail__subscription_that_the_broker_refuses_is_reported() -> None:
    """Mosquitto accepts every subscription; other brokers answer with a reason."""
    found: list[str | None] = []
    settings = CollectorSettings.model_validate({"name": "one", "broker": {"host": "broker"}})
    subscription = Subscription(settings, found.append)
    answers = [ReasonCode(PacketTypes.SUBACK, name) for name in ("Not authorized", "Granted QoS 1")]
    subscription._on_subscribe(None, None, 1, answers, None)
    assert found == [
        "broker:8883: the broker refuses $share/plategate/plategate/+/events: Not authorized"
    ]
    assert not subscription.is_subscribed.is_set()


def test_ok__broker_and_database_are_killed_and_cut_off(
    tmp_path: Path, broker: Broker, database: Postgres, gate: Gate
) -> None:
    """Every event is there once; the broker is stopped in order, so that it keeps its promises."""
    chance = random.Random(22)
    with CuttingProxy(broker.port) as to_broker, CuttingProxy(database.port) as to_database:
        settings = settings_for(
            database, to_broker.port, database={"port": to_database.port}, writing={"batch_max": 7}
        )
        with collecting(settings) as collector:
            wait_for(collector.is_subscribed)
            done = threading.Event()

            def breaking() -> None:
                while not done.is_set():
                    to_broker.cut_after(chance.randrange(3000))
                    to_database.cut_after(chance.randrange(3000))
                    done.wait(chance.uniform(0.05, 0.3))

            breaker = threading.Thread(target=breaking)
            breaker.start()
            for sequence in range(1, 301):
                gate.events(sequence)
                if sequence in (100, 200):
                    database.kill()
                    database.start()
            done.set()
            breaker.join()
            to_broker.cut_after(10**9)
            to_database.cut_after(10**9)
            wait_for(lambda: stored(database) == list(range(1, 301)))
    assert rows(database, "SELECT base, newest, seen::text FROM plategate.streams") == [
        (0, 300, "{[1,301)}")
    ]
