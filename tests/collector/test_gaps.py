# SPDX-License-Identifier: Apache-2.0
"""Events that a broker lost are asked for again, answered by a real gate from its journal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import psycopg
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from plategate.collector.gaps import GapRequest, overdue_requests
from plategate.collector.received import ArrivedEvent, GateReport
from plategate.collector.run import Collector
from plategate.collector.settings import GapSettings
from plategate.collector.writer import Writer
from plategate.journal import Journal, open_journal
from plategate.outbound.positions import read_positions
from plategate.replay import ReplayRequest
from tests.outbound.conftest import Broker, a_passage, running, target, wait_for
from tests.outbound.conftest import settings_for as gate_settings

from .conftest import AT, JOURNAL, collecting, rows, settings_for
from .postgres import Postgres

SOON = {"ask_after_s": 0.2, "ask_again_s": 0.2}
STORED = "SELECT sequence FROM plategate.events ORDER BY sequence"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    (tmp_path / "journal").mkdir()
    journal = open_journal(gate_settings(tmp_path).journal)
    yield journal
    journal.close()


@contextmanager
def gate(tmp_path: Path, broker: Broker, **options: Any) -> Iterator[None]:
    options = {"fleet": True, "state_every_s": 1} | options
    with running(gate_settings(tmp_path, target(broker.port, **options))):
        wait_for(lambda: read_positions(tmp_path / "outbound"))
        yield


@contextmanager
def subscribed(broker: Broker, database: Postgres) -> Iterator[Collector]:
    with collecting(settings_for(database, broker.port, gaps=SOON)) as collector:
        wait_for(collector.is_subscribed)
        yield collector


def forget_session(broker: Broker) -> None:
    """Make the broker forget the collector: what comes now is acknowledged and dropped."""
    client = paho.Client(
        CallbackAPIVersion.VERSION2, client_id="one", protocol=MQTTProtocolVersion.MQTTv5
    )
    client.connect("127.0.0.1", broker.port, clean_start=True)
    client.loop_start()
    wait_for(client.is_connected)
    client.disconnect()
    client.loop_stop()


def test_ok__events_that_the_broker_lost_come_from_the_journal(
    tmp_path: Path, journal: Journal, broker: Broker, database: Postgres
) -> None:
    with gate(tmp_path, broker):
        with subscribed(broker, database):
            journal.record(a_passage(1))
            wait_for(lambda: rows(database, STORED) == [(1,)])
        forget_session(broker)
        for number in range(2, 6):
            journal.record(a_passage(number))
        wait_for(lambda: read_positions(tmp_path / "outbound")["broker"].sequence == 5)
        with subscribed(broker, database):
            journal.record(a_passage(6))
            wait_for(lambda: rows(database, STORED) == [(n,) for n in range(1, 7)])
    assert rows(database, "SELECT * FROM plategate.gaps") == []


def test_ok__lost_last_events_are_seen_by_the_number_in_the_state(
    tmp_path: Path, journal: Journal, broker: Broker, database: Postgres
) -> None:
    with gate(tmp_path, broker):
        with subscribed(broker, database):
            journal.record(a_passage(1))
            wait_for(lambda: rows(database, STORED) == [(1,)])
        forget_session(broker)
        journal.record(a_passage(2))
        wait_for(lambda: read_positions(tmp_path / "outbound")["broker"].sequence == 2)
        with subscribed(broker, database):
            wait_for(lambda: rows(database, STORED) == [(1,), (2,)])


def test_ok__what_the_gate_has_deleted_is_lost_for_good(
    tmp_path: Path, journal: Journal, broker: Broker, database: Postgres
) -> None:
    lost = "SELECT state, first, last, reason FROM plategate.gaps"
    # A journal from before a damaged card: nobody has its events any more.
    with closing(Writer(settings_for(database).database)) as writer:
        for sequence in (3, 5):
            writer.write([GateReport("gate", journal=JOURNAL, sequence=sequence)])
    with gate(tmp_path, broker), subscribed(broker, database):
        journal.record(a_passage(1))
        wait_for(lambda: rows(database, STORED) == [(1,)])
        wait_for(lambda: rows(database, lost) == [("lost", 4, 5, "new_journal")])


def arrived(*sequences: int) -> list[ArrivedEvent]:
    return [ArrivedEvent("a", JOURNAL, n, AT, "gate", "gate.mode", "{}") for n in sequences]


class Checks:
    """Checks for gaps, as if `ask_after_s` had passed before each."""

    def __init__(self, database: Postgres) -> None:
        self.database = database
        self.writer = Writer(settings_for(database).database)

    def check(self, **settings: Any) -> list[GapRequest]:
        self.database.sql(
            "UPDATE plategate.gap_check SET checked_at = '-infinity'", database="plategate"
        )
        with psycopg.connect(self.database.conninfo(user="collector"), autocommit=True) as open_:
            return overdue_requests(open_, GapSettings(**settings))


@pytest.fixture
def checks(database: Postgres) -> Iterator[Checks]:
    checks = Checks(database)
    yield checks
    checks.writer.close()


def test_ok__asked_only_for_what_two_checks_miss(checks: Checks) -> None:
    checks.writer.write(arrived(1, 3, 6))
    assert checks.check() == []
    checks.writer.write(arrived(4, 8))
    assert checks.check() == [GapRequest("a", ReplayRequest(JOURNAL, ((2, 2), (5, 5))))]


def test_ok__journal_that_replaces_another_one_is_collected_from_its_start(checks: Checks) -> None:
    checks.writer.write(arrived(100, 101))
    checks.writer.write([replace(each, journal="0badcafe") for each in arrived(3)])
    checks.check()
    checks.check()
    checks.check()
    stored = "SELECT journal, base, asked::text FROM plategate.streams ORDER BY begun_at"
    assert rows(checks.database, stored) == [(JOURNAL, 99, "{}"), ("0badcafe", 0, "{[1,3)}")]


def test_ok__checks_of_several_collectors_count_as_one(database: Postgres, checks: Checks) -> None:
    checks.writer.write(arrived(1, 3))
    assert checks.check() == []
    assert checks.writer.overdue_requests(GapSettings(ask_after_s=3600)) == []
    assert len(checks.check()) == 1


def test_ok__gate_that_does_not_answer_is_asked_less_and_less_often(
    database: Postgres, checks: Checks
) -> None:
    def asked_ago(seconds: int) -> None:
        database.sql(
            f"UPDATE plategate.streams SET asked_at = now() - interval '{seconds} s'",
            database="plategate",
        )

    checks.writer.write(arrived(1, 3))
    checks.check()
    assert len(checks.check(ask_again_s=100)) == 1
    assert checks.check(ask_again_s=100) == []
    asked_ago(110)
    assert len(checks.check(ask_again_s=100)) == 1
    asked_ago(110)
    assert checks.check(ask_again_s=100) == []
    asked_ago(210)
    assert len(checks.check(ask_again_s=100)) == 1


def test_ok__long_gap_is_asked_for_in_parts_one_after_the_other(checks: Checks) -> None:
    checks.writer.write(arrived(1, 5000))
    checks.check()
    (first,) = checks.check()
    assert first.request.ranges == ((2, 1001),)
    assert checks.check() == []
    checks.writer.write(arrived(*range(2, 1002)))
    (second,) = checks.check()
    assert second.request.ranges == ((1002, 2001),)


def test_ok__gate_that_is_offline_is_not_asked(checks: Checks) -> None:
    checks.writer.write([*arrived(1, 3), GateReport("a", online=False)])
    checks.check()
    assert checks.check() == []
    checks.writer.write([GateReport("a", online=True)])
    assert len(checks.check()) == 1


def test_ok__request_fits_what_a_gate_takes(checks: Checks) -> None:
    """Many short gaps: at most as many ranges as `parse_replay_request` accepts."""
    checks.writer.write(arrived(*range(1, 301, 2)))
    checks.check()
    (found,) = checks.check()
    assert len(found.request.ranges) == 50
    assert len(found.request.encoded()) < 4096
    assert json.loads(found.request.encoded())["journal"] == JOURNAL
