# SPDX-License-Identifier: Apache-2.0
"""The tables: migration, rights of the roles, months, retention. Against a real PostgreSQL."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from plategate.collector.migrate import migrate, migrations
from plategate.collector.received import ArrivedEvent
from plategate.collector.writer import Writer
from plategate.documents import event_document, passage_document
from plategate.errors import SettingsError, StoreError
from plategate.plate_data.hashing import _TECHNICAL, reduced
from tests.outbound.conftest import a_passage, an_event

from .conftest import AT, JOURNAL, message, rows, settings_for
from .postgres import Postgres


def event(sequence: int, at: datetime, kind: str = "passage.granted", **data: Any) -> ArrivedEvent:
    document = data if kind.startswith("gate.") else message(sequence)["data"] | data
    return ArrivedEvent("north", JOURNAL, sequence, at, "gate", kind, json.dumps(document))


def written(database: Postgres, *events: ArrivedEvent) -> Writer:
    writer = Writer(settings_for(database).database)
    writer.write(events)
    return writer


def test_ok__migrations_are_numbered_without_gaps() -> None:
    assert [m.version for m in migrations()] == list(range(1, len(migrations()) + 1))


def test_ok__migrate_once_then_nothing_to_do(empty: Postgres) -> None:
    settings = settings_for(empty)
    planned = migrate(settings, user="postgres", dry_run=True)
    assert planned == [f"would apply {m.version:04d} {m.name}" for m in migrations()]
    assert rows(empty, "SELECT to_regclass('plategate.events')") == [(None,)]
    done = migrate(settings, user="postgres")
    assert done[: len(planned)] == [line.replace("would apply", "applied") for line in planned]
    assert migrate(settings, user="postgres") == []


def test_ok__migrate_stores_a_new_retention(database: Postgres) -> None:
    settings = settings_for(database, retention={"months": 2})
    assert migrate(settings, user="postgres") == ["stored the retention"]
    assert rows(database, "SELECT months FROM plategate.retention") == [(2,)]


def test_ok__everything_belongs_to_a_role_that_cannot_log_in(database: Postgres) -> None:
    """Functions that a writer calls must not run with the rights of a superuser."""
    owners = (
        "SELECT rolname, rolcanlogin, rolsuper FROM pg_roles WHERE oid IN ("
        "SELECT relowner FROM pg_class WHERE relnamespace = 'plategate'::regnamespace UNION "
        "SELECT proowner FROM pg_proc WHERE pronamespace = 'plategate'::regnamespace)"
    )
    assert rows(database, owners) == [("plategate_admin", False, False)]


def test_ok__owner_of_the_database_without_other_rights_can_migrate(empty: Postgres) -> None:
    empty.sql("DROP ROLE IF EXISTS cloud", "CREATE ROLE cloud LOGIN CREATEROLE")
    empty.sql("ALTER DATABASE plategate OWNER TO cloud")
    try:
        assert "applied 0001 events" in migrate(settings_for(empty), user="cloud")
        assert migrate(settings_for(empty), user="cloud") == []
    finally:
        empty.sql("DROP DATABASE plategate WITH (FORCE)", "DROP ROLE cloud")


def test_fail__collector_names_tables_that_are_too_old(empty: Postgres) -> None:
    empty.sql("CREATE ROLE collector LOGIN")
    with pytest.raises(StoreError, match=r"version 0 of the tables.*plategate collector migrate"):
        Writer(settings_for(empty).database).tidy()


def test_fail__server_that_is_not_there_is_named(database: Postgres) -> None:
    settings = settings_for(database, database={"port": 1})
    with pytest.raises(StoreError, match=r"127\.0\.0\.1:1: .*refused"):
        Writer(settings.database).tidy()


def test_fail__password_file_that_is_missing_is_named(database: Postgres, tmp_path: Path) -> None:
    settings = settings_for(database, database={"password_file": tmp_path / "none"})
    with pytest.raises(SettingsError, match=r"none: cannot be read: No such file"):
        Writer(settings.database).tidy()


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM plategate.events",
        "SELECT * FROM plategate.passages",
        "SELECT payload FROM plategate.rejected",
        "DELETE FROM plategate.events",
        "UPDATE plategate.events SET data = '{}'",
        "DROP TABLE plategate.events",
        "TRUNCATE plategate.streams",
        "UPDATE plategate.retention SET months = 1",
        "SELECT plategate.make_month(now())",
        "CREATE TABLE plategate.own ()",
    ],
)
def test_fail__writer_reads_changes_and_deletes_no_events(
    database: Postgres, statement: str
) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        rows(database, statement, user="collector")


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO plategate.gates (gate) VALUES ('x')",
        "DELETE FROM plategate.events",
        "SELECT plategate.tidy()",
        "SELECT payload FROM plategate.rejected",
    ],
)
def test_fail__reader_only_reads(database: Postgres, statement: str) -> None:
    database.sql("DROP ROLE IF EXISTS viewer", "CREATE ROLE viewer LOGIN IN ROLE plategate_reader")
    try:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            rows(database, statement, user="viewer")
        for view in (
            "passages", "reports", "refusals", "latencies", "list_ages", "gate_contacts",
            "silent_gates", "gaps", "repeated_numbers",
        ):  # fmt: skip
            rows(database, f"SELECT * FROM plategate.{view}", user="viewer")
    finally:
        database.sql("REVOKE plategate_reader FROM viewer", "DROP ROLE viewer")


def months(database: Postgres) -> list[str]:
    query = (
        "SELECT inhrelid::regclass::text FROM pg_inherits"
        " WHERE inhparent = 'plategate.events'::regclass ORDER BY 1"
    )
    return [name.rpartition(".")[2] for (name,) in rows(database, query)]


def month(ahead: int) -> datetime:
    now = datetime.now(UTC)
    count = now.year * 12 + now.month - 1 + ahead
    return datetime(count // 12, count % 12 + 1, 1, tzinfo=UTC)


def test_ok__this_month_and_two_ahead_exist(database: Postgres) -> None:
    made = [f"events_{month(ahead):%Y_%m}" for ahead in range(3)]
    assert months(database) == [*made, "events_other"]


def test_ok__event_of_a_wrong_clock_is_kept_and_moves_into_its_month(database: Postgres) -> None:
    """A gate whose clock was ahead fills a month before that month is made."""
    database.sql(f"DROP TABLE plategate.events_{month(2):%Y_%m}", database="plategate")
    last = month(3) - timedelta(microseconds=1)
    writer = written(
        database,
        event(1, month(2)),
        event(2, last),
        event(3, month(3)),
        event(4, datetime(1970, 1, 1, tzinfo=UTC)),
    )
    of = "SELECT sequence FROM plategate.{} ORDER BY sequence"
    assert rows(database, of.format("events_other")) == [(1,), (2,), (3,), (4,)]
    assert f"made the month {month(2):%Y-%m}" in writer.tidy()
    assert rows(database, of.format(f"events_{month(2):%Y_%m}")) == [(1,), (2,)]
    assert rows(database, of.format("events_other")) == [(3,), (4,)]
    assert rows(database, of.format("events")) == [(1,), (2,), (3,), (4,)]
    writer.close()


def test_ok__months_beyond_the_retention_are_dropped(database: Postgres) -> None:
    migrate(settings_for(database, retention={"months": 2}), user="postgres")
    for ahead in (-1, -2, -3, -4):
        database.sql(
            f"SELECT plategate.make_month('{month(ahead).isoformat()}')", database="plategate"
        )
    writer = written(database, *(event(n, month(-n)) for n in (1, 2, 3, 4)))
    done = writer.tidy()
    assert [f"dropped the month {month(ahead):%Y-%m}" for ahead in (-4, -3)] == sorted(
        line for line in done if line.startswith("dropped")
    )
    kept = rows(database, "SELECT sequence FROM plategate.events ORDER BY sequence")
    assert kept == [(1,), (2,)]
    assert writer.tidy() == []
    writer.close()


def test_ok__message_that_the_database_refuses_holds_up_no_other(database: Postgres) -> None:
    broken = replace(event(2, AT), data='{"half": ')
    with closing(written(database, event(1, AT), broken, event(3, AT))):
        stored = rows(database, "SELECT sequence FROM plategate.events ORDER BY 1")
        assert stored == [(1,), (3,)]
    ((reason,),) = rows(database, "SELECT reason FROM plategate.rejected")
    assert "invalid input syntax for type json" in reason


def test_ok__what_is_kept_for_good_is_what_a_gate_sends_without_plates(database: Postgres) -> None:
    """Of all types of events; a key that is new in the journal is not kept until it is named."""
    passage = passage_document(a_passage(1), None) | {"visitor": "Jane Doe"}
    reports = [
        event_document(an_event(what, detail=f"{what} of Jane Doe"))
        for what in sorted(_TECHNICAL | {"command", "wanted", "override"})
    ]
    for document in (passage, *reports):
        kind = f"gate.{document['what']}" if "what" in document else "passage.granted"
        with psycopg.connect(database.conninfo()) as connection:
            query = "SELECT plategate.without_plates(%s, %s::jsonb)"
            ((kept,),) = connection.execute(query, (kind, json.dumps(document))).fetchall()
        sent = reduced(document, "none", b"")
        sent.pop("reading", None)
        if "verdict" in sent:
            sent["verdict"].pop("plate")
        if sent.get("detail") == "":
            sent.pop("detail")
        assert kept == sent


def test_ok__plates_and_names_are_removed_after_their_days(database: Postgres) -> None:
    now = datetime.now(UTC)
    old, young = now - timedelta(days=31), now - timedelta(days=29)
    writer = written(
        database,
        event(1, old),
        event(2, young),
        event(3, old, "gate.command", what="command", detail="anna: parcel"),
        event(4, old, "gate.fault", what="fault", detail="arm_did_not_move"),
    )
    assert "removed plates and names from 2 events" in writer.tidy()
    passages = rows(database, "SELECT sequence, plate, confidence, result FROM plategate.passages")
    assert sorted(passages) == [(1, None, None, "granted"), (2, "AB12CDE", 0.97, "granted")]
    data = dict(rows(database, "SELECT sequence, data::text FROM plategate.events"))
    assert "AB12CDE" not in data[1]
    assert "anna" not in data[3]
    assert "arm_did_not_move" in data[4]
    # An old event that arrives later loses its plate as well.
    writer.write([event(5, old)])
    assert writer.tidy() == ["removed plates and names from 1 events"]
    assert writer.tidy() == []
    writer.close()
