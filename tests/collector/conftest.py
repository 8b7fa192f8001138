# SPDX-License-Identifier: Apache-2.0
"""A real PostgreSQL with the tables of a fleet, and a collector between it and a real Mosquitto.

Needs the Debian packages postgresql and mosquitto.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from plategate.clock import SystemClock
from plategate.collector.migrate import migrate
from plategate.collector.run import Collector
from plategate.collector.settings import CollectorSettings
from plategate.health.monitor import Health
from tests.outbound.conftest import Broker, in_thread

from .postgres import Postgres

AT = datetime(2026, 11, 28, 8, 0, tzinfo=UTC)
JOURNAL = "1f0a77c2"


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    server = Postgres()
    server.start()
    yield server
    server.remove()


@pytest.fixture
def empty(server: Postgres) -> Iterator[Postgres]:
    """A database without tables, and no roles."""
    roles = ("collector", "plategate_writer", "plategate_reader", "plategate_admin")
    server.sql(
        "DROP DATABASE IF EXISTS plategate WITH (FORCE)",
        *(f"DROP ROLE IF EXISTS {role}" for role in roles),
        "CREATE DATABASE plategate",
    )
    yield server


@pytest.fixture
def database(empty: Postgres) -> Postgres:
    """A database as fleet.md sets it up: migrated, and a user that may only write."""
    migrate(settings_for(empty), user="postgres")
    empty.sql("CREATE ROLE collector LOGIN IN ROLE plategate_writer", database="plategate")
    return empty


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path)
    broker.start()
    yield broker
    broker.stop()


def settings_for(postgres: Postgres, port: int = 1, **changes: Any) -> CollectorSettings:
    """Settings of a collector between a broker on `port` and a database."""
    broker = {"host": "127.0.0.1", "port": port, "tls": False} | changes.pop("broker", {})
    where = {"host": "127.0.0.1", "port": postgres.port, "tls": "off", "user": "collector"}
    where |= changes.pop("database", {})
    return CollectorSettings.model_validate(
        {"name": "one", "broker": broker, "database": where} | changes
    )


@contextmanager
def collecting(settings: CollectorSettings) -> Iterator[Collector]:
    """A collector in a thread, stopped in order at the end."""
    collector = Collector(settings, Health(SystemClock(), lambda _: None))
    with in_thread(collector):
        yield collector


def rows(database: Postgres, query: str, user: str = "postgres") -> list[tuple[Any, ...]]:
    """What a query answers."""
    with psycopg.connect(database.conninfo(user=user)) as connection:
        return connection.execute(query).fetchall()


def message(number: int, of: str = "north", /, **changes: Any) -> dict[str, Any]:
    """The message of a passage, as docs/integrator/mqtt.md shows it."""
    return {
        "schema": 1,
        "id": f"{of}-{JOURNAL}-{number}",
        "type": "passage.granted",
        "timestamp": AT.isoformat(),
        "gate": of,
        "lane": "gate",
        "journal": JOURNAL,
        "sequence": number,
        "data": {
            "kind": "passage",
            "id": f"p{number}",
            "verdict": {"result": "granted", "reason": "allowed", "plate": "AB12CDE"},
            "reading": {"text": "AB12CDE", "confidence": 0.97},
            "milliseconds": {"total": 812.5},
        },
    } | changes
