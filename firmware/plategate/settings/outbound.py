# SPDX-License-Identifier: Apache-2.0
"""The [outbound] table: where events of the journal are sent, and what of them leaves the site."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self, get_args
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from plategate.schedule.windows import parse_hours
from plategate.settings.base import SettingsModel
from plategate.settings.broker import TOPIC, BrokerSettings
from plategate.settings.commands import CommandWord
from plategate.settings.state_paths import OUTBOUND_STATE

NAME = r"^[a-z0-9][a-z0-9_-]{0,39}$"

CauseName = Literal["wanted", "fault", "left_open", "camera", "list_too_old", "disk", "tamper"]


class TargetSettings(SettingsModel):
    """What every target has: a name, and what personal data it gets."""

    name: str = Field(pattern=NAME, description="short name, for logs and commands; must be unique")
    plate: Literal["full", "hmac", "none"] = Field(
        "hmac",
        description="full: plates, names and notes; hmac: a keyed hash of the plate; none: nothing",
    )
    pictures: bool = Field(False, description="send pictures too")


class EventTargetSettings(TargetSettings):
    """A target that gets every event of the types it wants."""

    events: tuple[str, ...] = Field(
        ("*",),
        min_length=1,
        description='types of events that are sent, with * and ?, such as "passage.*"',
    )


class MqttSettings(BrokerSettings, EventTargetSettings):
    """An MQTT broker."""

    home_assistant: bool = Field(True, description="announce the gate to Home Assistant")
    discovery_prefix: str = Field(
        "homeassistant", pattern=TOPIC, description="discovery prefix of Home Assistant"
    )
    state_every_s: float = Field(
        10, ge=1, le=3600, description="the state of the gate is read this often, in seconds"
    )
    commands: tuple[CommandWord, ...] = Field(
        (),
        description="commands that are taken from the broker; [commands] users must allow them too",
    )
    fleet: bool = Field(
        False,
        description="answer a collector that asks for missing events, and publish the number of the"
        " newest event in the state (docs/integrator/fleet.md)",
    )
    replay_per_minute: int = Field(
        600, ge=1, le=60_000, description="most events a minute that are sent again to a collector"
    )

    @model_validator(mode="after")
    def verify_a_fleet_gets_every_event(self) -> Self:
        """A collector treats every number that is missing as a lost event."""
        if self.fleet and self.events != ("*",):
            raise ValueError('fleet = true needs events = ["*"]: a collector counts the numbers')
        return self


class WebhookSettings(EventTargetSettings):
    """A web server that gets each event as a signed POST request."""

    url: str = Field(description="https:// address; events go nowhere else, redirects are refused")
    allow_http: bool = Field(
        False, description="accept http://, on which everybody on the way can read the events"
    )
    secret_files: tuple[Path, ...] = Field(
        min_length=1,
        max_length=2,
        description="files with a signing secret (whsec_...); two while the secret is changed",
    )
    format: Literal["standard", "cloudevents"] = Field(
        "standard", description="the body: a message as in mqtt.md, or a CloudEvent around it"
    )
    ca_file: Path | None = Field(None, description="PEM file of a private certificate authority")
    timeout_s: float = Field(
        15, ge=1, le=20, description="the server must answer within this time, in seconds"
    )

    @model_validator(mode="after")
    def verify_address(self) -> Self:
        """The address must be one that can be asked; a name in it must not be a secret."""
        try:
            url = urlsplit(self.url)
            port_is_valid = url.port is None or url.port > 0
        except ValueError:
            port_is_valid = False
        if not port_is_valid or url.scheme not in ("https", "http") or not url.hostname:
            raise ValueError("url must be an https:// address")
        if url.username or url.password or url.fragment:
            raise ValueError("url must not contain a user, a password or a fragment")
        if not self.url.isascii() or not self.url.isprintable() or " " in self.url:
            raise ValueError("url has a character that must be written as %XX")
        if url.scheme == "http" and not self.allow_http:
            raise ValueError("url: http:// is not encrypted; use https:// or set allow_http")
        return self


class NotificationSettings(TargetSettings):
    """A person who is notified by e-mail, ntfy, Telegram or another service of Apprise."""

    url_file: Path = Field(
        description="file with addresses of Apprise, one a line; they contain passwords"
    )
    causes: tuple[CauseName, ...] = Field(
        get_args(CauseName), min_length=1, description="causes of a message"
    )
    language: Literal["en", "de"] = Field("en", description="language of the messages")
    quiet: str = Field(
        "",
        description='weekly hours without messages, such as "daily 22:00-06:00"; they follow later',
    )
    always: tuple[CauseName, ...] = Field(
        ("wanted",), description="causes that are reported in quiet hours too"
    )
    spacing_minutes: float = Field(
        15, ge=1, le=1440, description="least time from one beginning of a cause to the next"
    )
    repeat_hours: float = Field(
        24,
        ge=0,
        le=720,
        description="a cause that lasts is reported again after this time; 0: never",
    )
    timeout_s: float = Field(
        60, ge=5, le=120, description="a message must be sent within this time, in seconds"
    )

    @field_validator("quiet")
    @classmethod
    def _hours_are_known(cls, text: str) -> str:
        if text:
            parse_hours(text)
        return text


class OutboundSettings(SettingsModel):
    """Targets that get the events of the journal; plategate-outbound reads them when it starts."""

    gate: str = Field(
        "gate",
        pattern=r"^[A-Za-z0-9_-]{1,40}$",
        description="name of this gate in topics, ids and Home Assistant; unique for each broker",
    )
    state_dir: Path = Field(
        OUTBOUND_STATE, description="folder of the positions in the journal and of the plate key"
    )
    plate_key_file: Path | None = Field(
        None,
        description="file with the key of plate = 'hmac', the same at all gates that are compared;"
        " default: a key of this gate, made at the first start",
    )
    backlog_max: int = Field(
        100_000,
        ge=100,
        le=10_000_000,
        description="a target that is further behind than this many events loses the oldest",
    )
    mqtt: tuple[MqttSettings, ...] = Field((), description="MQTT brokers")
    webhooks: tuple[WebhookSettings, ...] = Field((), description="web servers")
    notifications: tuple[NotificationSettings, ...] = Field(
        (), description="people who are notified"
    )

    @property
    def targets(self) -> tuple[TargetSettings, ...]:
        """All targets."""
        return (*self.mqtt, *self.webhooks, *self.notifications)

    @model_validator(mode="after")
    def verify_names_are_unique(self) -> Self:
        """Targets of the same name would share a position in the journal."""
        names = [target.name for target in self.targets]
        if len(set(names)) != len(names):
            raise ValueError("two targets have the same name")
        return self

    @field_validator("plate_key_file")
    @classmethod
    def _key_is_a_whole_path(cls, file: Path | None) -> Path | None:
        if file is not None and not file.is_absolute():
            raise ValueError(f"{file} must begin with /")
        return file
