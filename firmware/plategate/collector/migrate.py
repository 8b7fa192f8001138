# SPDX-License-Identifier: Apache-2.0
"""Bring the tables of the fleet's database to the version of this program.

A migration is a file of SQL, `0001_name.sql`. Each is applied once, in a transaction of its own; a
file that was applied is never changed, another one is added.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

from plategate.collector.database import as_administrator
from plategate.errors import StoreError

if TYPE_CHECKING:
    from plategate.collector.database import Connection
    from plategate.collector.settings import CollectorSettings

LOCK = "hashtext('plategate.migrate')"
# Everything belongs to plategate_admin, also what a superuser creates.
ROLES = """
do $$
declare
    role text;
begin
    foreach role in array array['plategate_writer', 'plategate_reader', 'plategate_admin'] loop
        if not exists (select from pg_roles where rolname = role) then
            execute format('create role %I nologin', role);
        end if;
    end loop;
    if not pg_has_role(current_user, 'plategate_admin', 'member') then
        grant plategate_admin to current_user;
    end if;
    if to_regnamespace('plategate') is null then
        create schema plategate authorization plategate_admin;
    end if;
end
$$;
"""
FIRST = """
create table if not exists plategate.migrations (
    version integer primary key,
    name text not null,
    applied_at timestamptz not null default now()
);
"""
STORE_RETENTION = """
insert into plategate.retention (months, plate_days, rejected_days) values (%s, %s, %s)
on conflict (only_row) do update set months = excluded.months, plate_days = excluded.plate_days,
    rejected_days = excluded.rejected_days
where (retention.months, retention.plate_days, retention.rejected_days)
    is distinct from (excluded.months, excluded.plate_days, excluded.rejected_days)
"""


@dataclass(frozen=True, slots=True)
class Migration:
    """One step; `sql` may have several statements."""

    version: int
    name: str
    sql: str


def migrations() -> list[Migration]:
    """All steps of this program, in their order."""
    folder = resources.files("plategate.collector") / "migrations"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=str)
    return [
        Migration(int(file.name[:4]), file.name[5:-4], file.read_text(encoding="utf-8"))
        for file in files
    ]


def migrate(
    settings: CollectorSettings, *, user: str | None = None, dry_run: bool = False
) -> list[str]:
    """Apply what is missing, store the retention, make the months; returns a line for each.

    `user` of the database is a superuser, or owns the database and may create roles; later
    migrations need a member of plategate_admin. Raises StoreError.
    """
    with as_administrator(settings.database, user) as connection:
        if dry_run:
            done = _version(connection)
            return [
                f"would apply {m.version:04d} {m.name}" for m in migrations() if m.version > done
            ]
        connection.execute(f"select pg_advisory_lock({LOCK})")
        for statement in (ROLES, "set role plategate_admin", FIRST):
            connection.execute(statement)
        lines = []
        done = _version(connection)
        for step in migrations():
            if step.version > done:
                _apply(connection, step)
                lines.append(f"applied {step.version:04d} {step.name}")
        retention = settings.retention
        values = (retention.months, retention.plate_days, retention.rejected_days)
        if connection.execute(STORE_RETENTION, values).rowcount:
            lines.append("stored the retention")
        lines += [line for (line,) in connection.execute("select plategate.tidy()").fetchall()]
        return lines


def verify_version(connection: Connection) -> None:
    """Raise StoreError where the tables are older than this program."""
    wanted, found = migrations()[-1].version, _version(connection)
    if found < wanted:
        raise StoreError(
            f"the database has version {found} of the tables, this program needs {wanted};"
            " run plategate collector migrate"
        )


def _version(connection: Connection) -> int:
    exists = "select to_regclass('plategate.migrations') is not null"
    found = connection.execute(exists).fetchone()
    if found is None or not found[0]:
        return 0
    newest = connection.execute("select coalesce(max(version), 0) from plategate.migrations")
    row = newest.fetchone()
    return int(row[0]) if row else 0


def _apply(connection: Connection, step: Migration) -> None:
    with connection.transaction():
        connection.execute(step.sql)
        connection.execute(
            "insert into plategate.migrations (version, name) values (%s, %s)",
            (step.version, step.name),
        )
