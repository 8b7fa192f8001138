# SPDX-License-Identifier: Apache-2.0
"""The [sync] table: list sources, their signatures, and the limits of a download."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from plategate.settings.base import SettingsModel
from plategate.settings.state_paths import LIST_STATE, StatePath


class SyncSource(SettingsModel):
    """One source of one list; several sources of a list are merged by priority."""

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$",
        description="short name, for logs and the state folder",
    )
    kind: Literal["allow", "block", "wanted", "records"] = Field(
        description="the list it belongs to, or vehicle records"
    )
    url: str = Field(description="https://, http:// or file:// address, or a path (USB stick)")
    priority: int = Field(
        100, ge=0, le=10_000, description="for a plate in several sources the lowest number wins"
    )
    signature: Literal["required", "if_present", "ignored"] | None = Field(
        None,
        description="whether the list needs a minisign signature;"
        " default: required where public_keys are set, else ignored",
    )
    signature_states: tuple[Literal["list", "site", "expires"], ...] = Field(
        (),
        description="what the trusted comment of the signature must state, see fleet.md;"
        " what it states is checked in any case",
    )
    allow_unsigned_http: bool = Field(
        False,
        description="accept an unsigned list over http://, which anybody on the way can change",
    )
    signature_url: str | None = Field(None, description="default: url + .minisig")
    public_keys: tuple[str, ...] = Field(
        (), max_length=4, description="minisign public keys or their files; two during a key change"
    )
    token_file: Path | None = Field(None, description="file with a bearer token")
    ca_file: Path | None = Field(None, description="PEM file of a private certificate authority")
    client_certificate: Path | None = Field(None, description="PEM file for mutual TLS")
    client_key: Path | None = Field(None, description="PEM file of the client's private key")
    max_bytes: int = Field(
        200_000_000, ge=1_000, le=2_000_000_000, description="largest accepted list, in bytes"
    )

    @property
    def needs_signature(self) -> bool:
        """Whether a list without a valid signature is refused."""
        return self.signature == "required" or (self.signature is None and bool(self.public_keys))

    @field_validator("url")
    @classmethod
    def verify_url_can_be_asked(cls, url: str) -> str:
        """Refuse an address that cannot be downloaded."""
        if not url or urlsplit(url).scheme not in ("https", "http", "file", ""):
            raise ValueError("must be an https://, http:// or file:// address, or a path")
        return url

    @model_validator(mode="after")
    def verify_signature_has_a_key(self) -> Self:
        """A required signature needs a key to verify it."""
        if self.signature == "required" and not self.public_keys:
            raise ValueError("signature = 'required' needs public_keys")
        if self.signature_states and not self.needs_signature:
            raise ValueError("signature_states needs public_keys and signature = 'required'")
        return self

    @model_validator(mode="after")
    def verify_client_certificate_is_whole(self) -> Self:
        """Mutual TLS needs a certificate and its key."""
        if (self.client_certificate is None) != (self.client_key is None):
            raise ValueError("client_certificate and client_key belong together")
        return self

    @model_validator(mode="after")
    def verify_token_is_not_sent_in_the_clear(self) -> Self:
        """A bearer token is sent only over TLS or to this machine."""
        parts = urlsplit(self.url)
        local = is_this_machine(parts.hostname or "")
        if self.token_file and parts.scheme == "http" and not local:
            raise ValueError("token_file: http:// would send the token unencrypted; use https://")
        return self


def is_this_machine(host: str) -> bool:
    """Whether a host name of an address is a loopback address."""
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class SyncSettings(SettingsModel):
    """How lists are downloaded and when a download is set aside."""

    sources: tuple[SyncSource, ...] = Field((), description="the list sources")
    site: str = Field(
        "",
        pattern=r"^([A-Za-z0-9][A-Za-z0-9_.-]{0,59})?$",
        description="name of this site; a signature that states other sites is refused",
    )
    state_dir: StatePath = Field(
        LIST_STATE / "sources", description="folder of the last good copies"
    )
    connect_timeout_s: float = Field(
        10, ge=0.1, le=120, description="limit for connecting, in seconds"
    )
    read_timeout_s: float = Field(20, ge=0.1, le=300, description="longest silence, in seconds")
    total_timeout_s: float = Field(
        600,
        ge=1,
        le=7200,
        description="limit for one source: all files, attempts and checks, in seconds",
    )
    retries: int = Field(3, ge=0, le=10, description="further attempts after the first")
    retry_base_s: float = Field(
        2.0,
        ge=0.0,
        le=60,
        description="delay before the first retry, doubled each time, in seconds",
    )
    max_redirects: int = Field(3, ge=0, le=10, description="most redirects that are followed")
    shrink_limit_percent: int = Field(
        50,
        ge=1,
        le=100,
        description="a list that loses more than this share of its entries is set aside",
    )

    @model_validator(mode="after")
    def verify_names_are_unique(self) -> Self:
        """Sources of the same name would share a state folder."""
        names = [source.name for source in self.sources]
        if len(set(names)) != len(names):
            raise ValueError("two sources have the same name")
        return self

    @model_validator(mode="after")
    def verify_site_is_named(self) -> Self:
        """A signature's site can be checked only against a name."""
        for source in self.sources:
            if "site" in source.signature_states and not self.site:
                raise ValueError(
                    f"source {source.name}: signature_states = ['site'] needs sync.site"
                )
        return self
