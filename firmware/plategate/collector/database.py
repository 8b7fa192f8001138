# SPDX-License-Identifier: Apache-2.0
"""Connect to PostgreSQL with the settings of a collector; errors become one sentence.

psycopg is in the dependency group `collector` and is not installed on a gate.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from plategate.collector.settings import DatabaseSettings
from plategate.errors import SettingsError, StoreError
from plategate.settings.reading import read_secret

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.Connection[tuple[Any, ...]]
    Cursor = psycopg.Cursor[tuple[Any, ...]]

CONNECT_WITHIN_S = 10
APPLICATION = "plategate collector"


def connect(settings: DatabaseSettings, statement_s: int | None = None) -> Connection:
    """A connection that commits each statement unless a transaction is begun.

    `statement_s` limits one statement (default: `answer_within_s`; 0: no limit). Raises StoreError
    where the server cannot be reached, SettingsError where a file cannot be read.
    """
    psycopg = _psycopg()
    limit_s = settings.answer_within_s if statement_s is None else statement_s
    options = {
        "host": settings.host,
        "port": settings.port,
        "dbname": settings.name,
        "user": settings.user,
        "password": read_secret(settings.password_file),
        "connect_timeout": CONNECT_WITHIN_S,
        "application_name": APPLICATION,
        "options": f"-c statement_timeout={limit_s * 1000} -c timezone=UTC",
        # A server that is cut off must not hold the collector for the hours of TCP.
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 20_000,
        **_tls(settings),
    }
    with database_errors(settings):
        connection: Connection = psycopg.connect(**options, autocommit=True)
        return connection


@contextmanager
def as_administrator(settings: DatabaseSettings, user: str | None) -> Iterator[Connection]:
    """A connection on which statements may take any time; its errors become StoreError.

    `user`, where it is named, connects without the password of the settings.
    """
    if user is not None:
        settings = settings.model_copy(update={"user": user, "password_file": None})
    with database_errors(settings), connect(settings, statement_s=0) as connection:
        yield connection


@contextmanager
def database_errors(settings: DatabaseSettings) -> Iterator[None]:
    """Turn errors of the database into StoreError, with the address of the server."""
    psycopg = _psycopg()
    try:
        yield
    except psycopg.Error as error:
        sentence = " ".join((error.diag.message_primary or str(error)).split())
        if isinstance(error, psycopg.errors.InsufficientPrivilege):
            sentence += "; docs/integrator/fleet.md names the role that this needs"
        named = sentence or type(error).__name__
        raise StoreError(f"{settings.host}:{settings.port}: {named}") from error


def _tls(settings: DatabaseSettings) -> dict[str, Any]:
    if settings.is_local:
        return {}
    if settings.tls == "off":
        return {"sslmode": "disable"}
    return {
        "sslmode": "verify-full",
        "sslrootcert": str(settings.ca_file) if settings.ca_file else "system",
        "sslcert": settings.client_certificate and str(settings.client_certificate),
        "sslkey": settings.client_key and str(settings.client_key),
    }


def _psycopg() -> Any:
    try:
        import psycopg
    except ImportError as error:
        raise SettingsError(
            "psycopg is missing; install plategate with its group collector"
            " (docs/integrator/fleet.md)"
        ) from error
    return psycopg
