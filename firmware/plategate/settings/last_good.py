# SPDX-License-Identifier: Apache-2.0
"""Last good settings: a copy of the last valid file, used when the present file is invalid."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from plategate.durable_files import replace_file
from plategate.errors import SettingsError
from plategate.settings import Settings, load_settings
from plategate.settings.state_paths import LANE_STATE

log = logging.getLogger(__name__)

LAST_GOOD = LANE_STATE / "settings.good.toml"


def load_or_last_good(
    file: Path, copy: Path, load: Callable[[Path], Settings] = load_settings
) -> tuple[Settings, str | None]:
    """The settings of the file; if it is invalid, those of the copy and an error sentence.

    `load` reads and checks a file. Raises SettingsError where the file is invalid and there is no
    valid copy.
    """
    try:
        settings = load(file)
    except SettingsError as error:
        try:
            return load(copy), f"{error}; the last good settings are in force"
        except SettingsError:
            raise error from None
    keep_as_good(file, copy)
    return settings, None


def last_good_settings(copy: Path | None = None) -> Settings | None:
    """The last good settings of the installed gate; None where there is no valid copy."""
    try:
        return load_settings(copy or LAST_GOOD)
    except SettingsError:
        return None


def keep_as_good(file: Path, copy: Path) -> None:
    """Store the file as the last good one; a failure is logged, not raised."""
    try:
        _keep(file, copy)
    except OSError as error:
        log.warning("no copy of the settings in %s: %s", copy, error.strerror)


def _keep(file: Path, copy: Path) -> None:
    """Write the copy where it differs, atomically."""
    text = file.read_bytes()
    if copy.exists() and copy.read_bytes() == text:
        return
    replace_file(copy, text)
