# SPDX-License-Identifier: Apache-2.0
"""The settings of a collector: a TOML file of its own, /etc/plategate/collector.toml."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from plategate.settings.base import SettingsModel
from plategate.settings.broker import BrokerSettings
from plategate.settings.reading import check, read_toml

DEFAULT_FILE = Path("/etc/plategate/collector.toml")
GROUP = r"^[A-Za-z0-9_-]{1,64}$"


class CollectorBroker(BrokerSettings):
    """[broker]: where the events of the gates arrive."""

    group: str = Field(
        "plategate",
        pattern=GROUP,
        description="collectors of the same group share the events; each event goes to one of them",
    )
    session_expiry_s: int = Field(
        86_400,
        ge=60,
        le=2_592_000,
        description="the broker keeps events for a stopped collector this long, in seconds",
    )
    unacknowledged_max: int = Field(
        1000, ge=10, le=65_535, description="the broker sends at most this many events ahead"
    )
    states: bool = Field(
        True,
        description="also write availability and state of the gates; one or two of the collectors"
        " of a group are enough",
    )


class DatabaseSettings(SettingsModel):
    """[database]: the PostgreSQL server. Encrypted, and its certificate checked, by default."""

    host: str = Field(
        "/var/run/postgresql",
        min_length=1,
        max_length=253,
        description="name or address; a folder (beginning with /) means the local socket in it",
    )
    port: int = Field(5432, ge=1, le=65_535, description="port of the server")
    name: str = Field("plategate", min_length=1, max_length=63, description="name of the database")
    user: str = Field(
        "plategate-collector", min_length=1, max_length=63, description="user of the database"
    )
    password_file: Path | None = Field(None, description="file with the password of that user")
    tls: Literal["verify", "off"] = Field(
        "verify", description='"off" is for a server in a closed network; local sockets need none'
    )
    ca_file: Path | None = Field(
        None, description="PEM file of a private certificate authority; default: the system's"
    )
    client_certificate: Path | None = Field(None, description="PEM file for mutual TLS")
    client_key: Path | None = Field(None, description="PEM file of the client's private key")
    answer_within_s: int = Field(
        30, ge=1, le=600, description="a statement that takes longer is given up, in seconds"
    )

    @property
    def is_local(self) -> bool:
        """Whether `host` is a folder with a socket."""
        return self.host.startswith("/")

    @model_validator(mode="after")
    def verify_tls_is_whole(self) -> Self:
        """A certificate needs its key, and both need TLS."""
        if (self.client_certificate is None) != (self.client_key is None):
            raise ValueError("client_certificate and client_key belong together")
        if (self.tls == "off" or self.is_local) and (self.ca_file or self.client_certificate):
            raise ValueError('ca_file and client_certificate need a host and tls = "verify"')
        return self


class WritingSettings(SettingsModel):
    """[writing]: how many events one transaction has."""

    batch_max: int = Field(500, ge=1, le=10_000, description="most events in one transaction")
    batch_wait_ms: int = Field(
        50, ge=0, le=5000, description="wait this long for more events, in milliseconds"
    )


class RetentionSettings(SettingsModel):
    """[retention]: `plategate collector migrate` stores it in the database, for all collectors."""

    months: int = Field(
        13, ge=1, le=240, description="whole months that are kept besides the current one"
    )
    plate_days: int = Field(
        30,
        ge=1,
        le=7320,
        description="after this many days plates, readings and names are removed from the events",
    )
    rejected_days: int = Field(
        30, ge=1, le=365, description="messages that could not be stored are kept this long"
    )


class GapSettings(SettingsModel):
    """[gaps]: missing numbers are asked for again."""

    ask: bool = Field(True, description="ask gates for events that are missing")
    ask_after_s: float = Field(
        60, ge=0.1, le=3600, description="a number that is missing this long is asked for"
    )
    ask_again_s: float = Field(
        300,
        ge=0.1,
        le=86_400,
        description="pause before the second question; it doubles each time, up to six hours",
    )
    gates_at_once: int = Field(
        50, ge=1, le=10_000, description="most gates that are asked in one round"
    )


class CollectorSettings(SettingsModel):
    """All settings of one collector."""

    name: str = Field(
        pattern=GROUP,
        description="client id at the broker; different for each collector, the same after a"
        " restart",
    )
    broker: CollectorBroker
    database: DatabaseSettings = Field(default_factory=DatabaseSettings)
    writing: WritingSettings = Field(default_factory=WritingSettings)
    retention: RetentionSettings = Field(default_factory=RetentionSettings)
    gaps: GapSettings = Field(default_factory=GapSettings)


def load_collector_settings(file: Path | None = None) -> CollectorSettings:
    """Read and check the settings; SettingsError names file, key, value and limit."""
    chosen = file or DEFAULT_FILE
    return check(CollectorSettings, read_toml(chosen), str(chosen))
