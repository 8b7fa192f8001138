# SPDX-License-Identifier: Apache-2.0
"""What a backup contains, and where each part belongs on a device.

Parts are named after what they are, not after their paths: a backup is restored to the folders that
the settings of the new device name.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plategate.settings import Settings

SETTINGS = "settings"
OWNER_SETTINGS = "owner-settings"
JOURNAL = "journal"
PRIVACY = "privacy"
# SQLite makes these itself, and a restored database must not meet those of another one.
_BESIDE = ("-wal", "-shm", "-journal")
# Damaged databases, half-written files, and the code of a first start.
_LEFT_OUT = ("*.damaged*", "*.part", "setup-code")


@dataclass(frozen=True, slots=True)
class Part:
    """Files of one folder, found by patterns; `*.sqlite` are copied as databases."""

    name: str
    folder: Path
    patterns: tuple[str, ...]

    def files(self) -> Iterator[Path]:
        """The files that are there, in the order of their names."""
        found = {
            file
            for pattern in self.patterns
            for file in self.folder.glob(pattern)
            if file.is_file() and not file.is_symlink()
        }
        for file in sorted(found):
            if not file.name.endswith(_BESIDE) and not any(map(file.match, _LEFT_OUT)):
                yield file


def _referenced(settings: Settings, folder: Path) -> list[str]:
    """Files next to the settings that they name: keys, certificates, tokens, passwords."""
    own_passphrase = settings.backup.passphrase_file
    found: set[str] = set()
    waiting: list[Any] = [settings.model_dump()]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list | tuple):
            waiting += value
        elif isinstance(value, str | Path) and value != own_passphrase:
            path = Path(value)
            if path.is_absolute() and path.is_relative_to(folder) and path.is_file():
                found.add(str(path.relative_to(folder)))
    return sorted(found)


def parts(settings: Settings, config: Path, *, journal: bool) -> tuple[Part, ...]:
    """The parts of a device whose settings are in `config`, the settings first."""
    owner = settings.commands.owner_settings_file
    found = [
        Part(SETTINGS, config.parent, (config.name, *_referenced(settings, config.parent))),
        Part(OWNER_SETTINGS, owner.parent, (owner.name,)),
        Part("lists", settings.access.file.parent, ("*.sqlite",)),
        Part("visits", settings.access.visits_file.parent, ("*.sqlite", "*.json")),
        Part("console", settings.console.state_dir, ("**/*",)),
        Part("outbound", settings.outbound.state_dir, ("**/*",)),
        Part(PRIVACY, settings.privacy.dir, ("*.key", "*.jsonl")),
    ]
    if journal:
        patterns = ("journal.sqlite", "plate.key", "evidence/*/*.jpg")
        found.append(Part(JOURNAL, settings.journal.dir, patterns))
    return tuple(found)
