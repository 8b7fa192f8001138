# SPDX-License-Identifier: Apache-2.0
"""The [console] table: where the web console listens, its certificate, and its sessions."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from plategate.settings.base import LIVE, SettingsModel
from plategate.settings.state_paths import STATE

CODE_DIR = Path("/run/plategate-code")


class ConsoleSettings(SettingsModel):
    """The web console. After a change: `sudo systemctl restart plategate-console`."""

    address: str = Field("0.0.0.0", description="address to listen on")
    port: int = Field(8443, ge=1, le=65535, description="port of HTTPS")
    http_port: int = Field(
        8080,
        ge=0,
        le=65535,
        description="port of plain HTTP, which only redirects to HTTPS and serves the CA; 0: none",
    )
    state_dir: Path = Field(
        STATE / "console",
        description="folder of accounts, sessions, audit log and certificates",
    )
    code_dir: Path = Field(
        CODE_DIR,
        json_schema_extra=LIVE,
        description="folder in memory that shows the one-time code while it is valid",
    )
    lamp_code: Literal["first_owner", "always", "never"] = Field(
        "first_owner",
        json_schema_extra=LIVE,
        description="when the lamp blinks the one-time code: only while nobody owns the console,"
        " also for a lost password, or never",
    )
    lanes: tuple[Path, ...] = Field(
        (), description="settings files of further lanes that this console shows and commands"
    )
    certificate: Path | None = Field(
        None, description="own certificate (PEM, with its chain) in place of the one made here"
    )
    key: Path | None = Field(None, description="key of that certificate (PEM)")
    names: tuple[str, ...] = Field(
        ("plategate.local",), description="host names that the certificate is made for"
    )
    language: Literal["en", "de"] = Field(
        "en", description="language of a browser that asks for neither English nor German"
    )
    visitor_url: str = Field(
        "",
        pattern=r"^(https?://[^\s/?#]+)?$",
        description='address in the links of visitors, such as "https://gate.example.org:8443";'
        " empty: the one by which the host has opened the console",
    )
    session_hours: int = Field(
        12, ge=1, le=720, description="hours without a request after which a login ends"
    )

    @property
    def code_file(self) -> Path:
        """The one-time code for root, in plain words; missing while there is none."""
        return self.code_dir / "code"

    @property
    def lamp_file(self) -> Path:
        """The digits of the one-time code that the lamp blinks; missing while there is none."""
        return self.code_dir / "lamp"
