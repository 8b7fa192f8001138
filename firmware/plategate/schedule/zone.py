# SPDX-License-Identifier: Apache-2.0
"""The time zone of the site: access.zone, else the zone of the system."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from plategate.errors import SettingsError

_SYSTEM_ZONE = Path("/etc/localtime")
_ZONES = "zoneinfo/"


def site_zone(name: str) -> ZoneInfo:
    """The zone `name`; "" means the zone of the system, or UTC if the system has none."""
    wanted = name or _system_zone()
    try:
        return ZoneInfo(wanted)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SettingsError(
            f"access.zone = {wanted!r}: no such time zone (is the package tzdata installed?)"
        ) from error


def _system_zone() -> str:
    if not _SYSTEM_ZONE.is_symlink():
        return "UTC"
    _, found, name = str(_SYSTEM_ZONE.resolve()).partition(_ZONES)
    return name if found else "UTC"
