# SPDX-License-Identifier: Apache-2.0
"""Read settings.toml into checked, frozen models; an unknown key is an error with its path.

Search order: `--config`, $PLATEGATE_CONFIG, /etc/plategate/settings.toml; without any of them the
defaults are used. Every table has a model in its own file of this package.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from plategate.errors import SettingsError
from plategate.settings.access import AccessSettings
from plategate.settings.backup import BackupSettings
from plategate.settings.barrier import BarrierSettings
from plategate.settings.base import LIVE, SettingsModel
from plategate.settings.camera import CameraSettings
from plategate.settings.commands import CommandsSettings
from plategate.settings.console import ConsoleSettings
from plategate.settings.health import HealthSettings
from plategate.settings.journal import JournalSettings, SamplesSettings
from plategate.settings.lamps import LampsSettings
from plategate.settings.lane import LaneSettings
from plategate.settings.outbound import OutboundSettings
from plategate.settings.overlay import LayeredSettings, layered
from plategate.settings.pins import PinsSettings
from plategate.settings.plates import PlatesSettings
from plategate.settings.privacy import PrivacySettings, with_profile
from plategate.settings.reading import check, read_toml
from plategate.settings.sync import SyncSettings
from plategate.settings.triggers import TriggersSettings
from plategate.settings.vision import VisionSettings

logger = logging.getLogger(__name__)

DEFAULT_FILE = Path("/etc/plategate/settings.toml")


class Settings(SettingsModel):
    """All settings of one gate."""

    access: AccessSettings = Field(default_factory=AccessSettings)
    plates: PlatesSettings = Field(default_factory=PlatesSettings)
    vision: VisionSettings = Field(default_factory=VisionSettings)
    # The gate does not use it; every run of the sync command reads the file.
    sync: SyncSettings = Field(default_factory=SyncSettings, json_schema_extra=LIVE)
    # Nor this one; plategate-outbound reads the file when it starts.
    outbound: OutboundSettings = Field(default_factory=OutboundSettings, json_schema_extra=LIVE)
    journal: JournalSettings = Field(default_factory=JournalSettings)
    samples: SamplesSettings = Field(default_factory=SamplesSettings)
    # The gate does not use it; each run of the command `backup` reads the file.
    backup: BackupSettings = Field(default_factory=BackupSettings, json_schema_extra=LIVE)
    # The gate does not use it; its profile is in [journal] already.
    privacy: PrivacySettings = Field(default_factory=PrivacySettings, json_schema_extra=LIVE)
    health: HealthSettings = Field(default_factory=HealthSettings)
    commands: CommandsSettings = Field(default_factory=CommandsSettings)
    # The gate does not use it; the console reads it when it starts.
    console: ConsoleSettings = Field(default_factory=ConsoleSettings, json_schema_extra=LIVE)
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

    @model_validator(mode="before")
    @classmethod
    def _profile_limits_the_journal(cls, raw: Any) -> Any:
        return with_profile(raw)

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
    """Read and check the settings in force: the file, and over it what the owner changed.

    Raises SettingsError naming file, key, value and limit. A file named by the caller or by
    $PLATEGATE_CONFIG must exist.
    """
    found = load_layers(file)
    for sentence in found.ignored:
        logger.warning("%s", sentence)
    return found.settings


def load_layers(file: Path | None = None) -> LayeredSettings[Settings]:
    """The settings in force and where they come from. Raises SettingsError as `load_settings`."""
    base = load_file(file)
    commands = base.commands
    return layered(base, commands.owner_settings_file, allowed=commands.owner_settings)


def load_file(file: Path | None = None) -> Settings:
    """The settings of the file alone. Raises SettingsError as `load_settings`."""
    chosen = chosen_file(file)
    return Settings() if chosen is None else parse_settings(read_toml(chosen), str(chosen))


def chosen_file(file: Path | None) -> Path | None:
    """The file that is read where the caller names `file`; None: there is none, so the defaults."""
    chosen = file or file_from_environment()
    if chosen is None and _exists(DEFAULT_FILE):
        return DEFAULT_FILE
    return chosen


def load_health_settings(file: Path | None) -> HealthSettings:
    """The [health] table of a file whose other tables are invalid; the defaults if it is too."""
    chosen = file or file_from_environment() or DEFAULT_FILE
    try:
        return check(HealthSettings, read_toml(chosen).get("health", {}), f"{chosen}: health")
    except SettingsError:
        return HealthSettings()


def parse_settings(raw: dict[str, Any], origin: str) -> Settings:
    """Check a parsed file; `origin` is its name in error messages."""
    return check(Settings, raw, origin)


def file_from_environment() -> Path | None:
    """The file that $PLATEGATE_CONFIG names, if any."""
    named = os.environ.get("PLATEGATE_CONFIG")
    return Path(named) if named else None


def _exists(file: Path) -> bool:
    """Whether the file exists, also where its folder may not be entered."""
    try:
        file.stat()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True
