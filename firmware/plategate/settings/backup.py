# SPDX-License-Identifier: Apache-2.0
"""The [backup] table: where the timer writes backups, how many are kept, and their passphrase."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from plategate.settings.base import SettingsModel


class BackupSettings(SettingsModel):
    """Backups by plategate-backup.timer; `plategate backup` uses the same values by default."""

    dir: Path | None = Field(
        None, description="folder of the backups, such as a mounted USB stick below /media or /mnt"
    )
    keep: int = Field(
        7, ge=0, le=1000, description="backups kept in the folder; the oldest go; 0: all"
    )
    passphrase_file: Path | None = Field(
        None, description="file with the passphrase, readable by root alone"
    )
    journal: bool = Field(False, description="back up passages and their pictures too")

    @model_validator(mode="after")
    def verify_a_folder_has_a_passphrase(self) -> Self:
        """The timer cannot ask for a passphrase."""
        if self.dir is not None and self.passphrase_file is None:
            raise ValueError("dir needs passphrase_file")
        return self
