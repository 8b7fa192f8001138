# SPDX-License-Identifier: Apache-2.0
"""Where state is kept below /var/lib/plategate: one folder for each user, named by its owner.

Version 0.1 kept everything in one folder. Settings that name its default paths mean the present
ones; `./setup.sh install` moves the files.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

STATE = Path("/var/lib/plategate")
# Written by the user plategate, not readable by plategate-sync.
LANE_STATE = STATE / "gate" / "gate"
SHARED_STATE = STATE / "gate" / "shared"
# Written by the user plategate-sync, readable by the group plategate.
LIST_STATE = STATE / "lists"
# Written by the user plategate-outbound, readable by nobody else.
OUTBOUND_STATE = STATE / "outbound"
# Written by root, readable by the group plategate-settings.
PRIVACY_STATE = STATE / "privacy"

_OF_VERSION_0_1 = {
    STATE: LANE_STATE,
    STATE / "crashes": LANE_STATE / "crashes",
    STATE / "clock-stamp": LANE_STATE / "clock-stamp",
    STATE / "visits.sqlite": SHARED_STATE / "visits.sqlite",
    STATE / "lists.sqlite": LIST_STATE / "lists.sqlite",
    STATE / "sources": LIST_STATE / "sources",
}


def _present(path: Path) -> Path:
    return _OF_VERSION_0_1.get(path, path)


# A path of a settings table; a default path of version 0.1 becomes the present one.
StatePath = Annotated[Path, AfterValidator(_present)]
