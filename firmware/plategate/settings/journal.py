# SPDX-License-Identifier: Apache-2.0
"""The [journal] table: where passages are kept, what of them, and for how long."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from plategate.settings.base import LIVE, SettingsModel


class JournalSettings(SettingsModel):
    """What is written about each passage, and when it is forgotten."""

    dir: Path = Field(
        Path("/var/lib/plategate"), description="folder of journal.sqlite and evidence/"
    )
    evidence: Literal["both", "plate", "none"] = Field(
        "both",
        description="pictures kept with a passage: still and plate, the plate alone, none",
        json_schema_extra=LIVE,
    )
    still_width_px: int = Field(
        1280,
        ge=320,
        le=8192,
        description="a wider still is made smaller before it is stored",
        json_schema_extra=LIVE,
    )
    jpeg_quality: int = Field(
        85, ge=40, le=100, description="of stored pictures", json_schema_extra=LIVE
    )
    granted_days: int = Field(
        30, ge=1, le=3650, description="passages that were let in", json_schema_extra=LIVE
    )
    refused_days: int = Field(
        30, ge=1, le=3650, description="passages that were refused", json_schema_extra=LIVE
    )
    unsure_days: int = Field(
        7, ge=1, le=3650, description="nothing seen, not readable, unsure", json_schema_extra=LIVE
    )
    alarm_days: int = Field(
        90, ge=1, le=3650, description="passages that raised an alarm", json_schema_extra=LIVE
    )
    event_days: int = Field(
        90,
        ge=1,
        le=3650,
        description="faults, modes, lost cameras and other events without an alarm",
        json_schema_extra=LIVE,
    )
    evidence_days: int = Field(
        7, ge=1, le=3650, description="pictures; alarms keep theirs longer", json_schema_extra=LIVE
    )
    evidence_max_mb: int = Field(
        1024,
        ge=1,
        le=1_000_000,
        description="all pictures together; the oldest go first",
        json_schema_extra=LIVE,
    )
    passages_max: int = Field(
        100_000,
        ge=100,
        le=10_000_000,
        description="passages kept, and as many other events; the oldest go first",
        json_schema_extra=LIVE,
    )
    min_free_mb: int = Field(
        200,
        ge=10,
        le=100_000,
        description="below this much free space no picture is stored",
        json_schema_extra=LIVE,
    )
    outbox: bool = Field(
        False,
        description="without effect: messages are made from the journal itself",
        json_schema_extra=LIVE,
    )
    outbox_max: int = Field(
        20_000, ge=100, le=1_000_000, description="without effect", json_schema_extra=LIVE
    )
