# SPDX-License-Identifier: Apache-2.0
"""How an MQTT broker is reached: address, TLS, user and first levels of the topics.

Base of `[[outbound.mqtt]]` and of the `[broker]` table of a collector.
"""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from plategate.settings.base import SettingsModel

TOPIC = r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+){0,7}$"


class BrokerSettings(SettingsModel):
    """Address of a broker and what this client proves itself with."""

    host: str = Field(min_length=1, max_length=253, description="name or address of the broker")
    port: int | None = Field(
        None, ge=1, le=65535, description="default: 8883 with TLS, 1883 without"
    )
    tls: bool = Field(True, description="encrypt, and check the certificate of the broker")
    ca_file: Path | None = Field(None, description="PEM file of a private certificate authority")
    client_certificate: Path | None = Field(None, description="PEM file for mutual TLS")
    client_key: Path | None = Field(None, description="PEM file of the client's private key")
    user: str | None = Field(None, max_length=128, description="user name at the broker")
    password_file: Path | None = Field(None, description="file with the password of that user")
    topic: str = Field(
        "plategate", pattern=TOPIC, description="first levels of every topic; outbound.gate follows"
    )
    keep_alive_s: int = Field(
        30, ge=5, le=600, description="longest silence on the connection, in seconds"
    )

    @property
    def port_in_use(self) -> int:
        """The port, or the usual one."""
        return self.port or (8883 if self.tls else 1883)

    @model_validator(mode="after")
    def verify_secrets_are_whole(self) -> Self:
        """A certificate needs its key and TLS, a password its user."""
        if (self.client_certificate is None) != (self.client_key is None):
            raise ValueError("client_certificate and client_key belong together")
        if self.password_file is not None and self.user is None:
            raise ValueError("password_file needs user")
        if not self.tls and (self.ca_file or self.client_certificate):
            raise ValueError("ca_file and client_certificate need tls = true")
        return self
