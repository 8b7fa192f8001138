# SPDX-License-Identifier: Apache-2.0
"""Read settings.toml into checked, frozen models; an unknown key is an error with its path.

Search order: `--config`, $PLATEGATE_CONFIG, /etc/plategate/settings.toml; without any of them the
defaults are used. Every table has a model in its own file of this package.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, model_validator

from plategate.errors import SettingsError, reason_of_own
from plategate.settings.access import AccessSettings
from plategate.settings.barrier import BarrierSettings
from plategate.settings.base import LIVE, SettingsModel
from plategate.settings.camera import CameraSettings
from plategate.settings.health import HealthSettings
from plategate.settings.journal import JournalSettings
from plategate.settings.lamps import LampsSettings
from plategate.settings.lane import LaneSettings
from plategate.settings.pins import PinsSettings
from plategate.settings.plates import PlatesSettings
from plategate.settings.sync import SyncSettings
from plategate.settings.triggers import TriggersSettings
from plategate.settings.vision import VisionSettings

DEFAULT_FILE = Path("/etc/plategate/settings.toml")


class Settings(SettingsModel):
    """All settings of one gate."""

    access: AccessSettings = Field(default_factory=AccessSettings)
    plates: PlatesSettings = Field(default_factory=PlatesSettings)
    vision: VisionSettings = Field(default_factory=VisionSettings)
    # The gate does not use it; every run of the sync command reads the file.
    sync: SyncSettings = Field(default_factory=SyncSettings, json_schema_extra=LIVE)
    journal: JournalSettings = Field(default_factory=JournalSettings)
    health: HealthSettings = Field(default_factory=HealthSettings)
    camera: CameraSettings = Field(default_factory=CameraSettings)
    lamps: LampsSettings = Field(default_factory=LampsSettings)
    pins: PinsSettings = Field(default_factory=PinsSettings)
    lane: LaneSettings = Field(default_factory=LaneSettings)
    barrier: BarrierSettings = Field(default_factory=BarrierSettings)
    triggers: TriggersSettings = Field(default_factory=TriggersSettings)

    @property
    def format_countries(self) -> tuple[str, ...]:
        """Countries whose plate formats count as evidence; empty: any."""
        return self.plates.countries or self.vision.countries

    @property
    def registration_countries(self) -> tuple[str, ...]:
        """Countries whose places of registration come first; empty: any."""
        return self.plates.countries or self.access.countries

    @property
    def superseded_keys(self) -> tuple[str, ...]:
        """The keys in use that another key has replaced."""
        return tuple(
            f"{table}.countries"
            for table in ("vision", "access")
            if "countries" in getattr(self, table).model_fields_set
        )

    @model_validator(mode="after")
    def _countries_are_named_once(self) -> Settings:
        for key, old in (("vision", self.vision.countries), ("access", self.access.countries)):
            if old and self.plates.countries and set(old) != set(self.plates.countries):
                raise ValueError(
                    f"plates.countries and {key}.countries differ; remove {key}.countries,"
                    " which plates.countries supersedes"
                )
        return self


def load_settings(file: Path | None = None) -> Settings:
    """Read and check the settings.

    Raises SettingsError naming file, key, value and limit. A file named by the caller or by
    $PLATEGATE_CONFIG must exist.
    """
    chosen = file or _from_environment()
    named = chosen is not None
    chosen = chosen or DEFAULT_FILE
    try:
        if not named and not chosen.exists():
            return Settings()
        text = chosen.read_text(encoding="utf-8")
        raw = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{chosen}: cannot be read: {reason_of_own(error)}") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{chosen}: not valid TOML: {error}") from error
    if not text.strip():
        # A power cut can leave a just-saved file empty; the defaults would have no line wired.
        raise SettingsError(f"{chosen}: is empty; write a line with # alone to use the defaults")
    return parse_settings(raw, str(chosen))


def parse_settings(raw: dict[str, Any], origin: str) -> Settings:
    """Check a parsed file; `origin` is its name in error messages."""
    try:
        return Settings.model_validate(raw)
    except ValidationError as error:
        raise SettingsError("\n".join(_sentence(origin, item) for item in error.errors())) from None


def _from_environment() -> Path | None:
    named = os.environ.get("PLATEGATE_CONFIG")
    return Path(named) if named else None


def _sentence(origin: str, item: Any) -> str:
    key = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        return f"{origin}: {key}: unknown key"
    if item["type"] == "model_type":
        return f"{origin}: {key} = {item['input']!r}: must be a table"
    message = item["msg"].removeprefix("Value error, ")
    # A message about contradicting keys names them; printing the whole table would hide it.
    value = "" if isinstance(item["input"], dict) else f" = {item['input']!r}"
    return f"{origin}: {key}{value}: {message}"
