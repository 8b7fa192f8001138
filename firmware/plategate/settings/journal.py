# SPDX-License-Identifier: Apache-2.0
"""The [journal] and [samples] tables: what is stored about passages and events, and how long."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from plategate.settings.base import LIVE, LIVE_OWNER, SettingsModel
from plategate.settings.state_paths import LANE_STATE, StatePath


class JournalSettings(SettingsModel):
    """What is stored about each passage, and when it is deleted."""

    dir: StatePath = Field(LANE_STATE, description="folder of journal.sqlite and evidence/")
    evidence: Literal["both", "plate", "none"] = Field(
        "both",
        description="pictures kept with a passage: still and plate, the plate alone, none",
        json_schema_extra=LIVE_OWNER,
    )
    still_width_px: int = Field(
        1280,
        ge=320,
        le=8192,
        description="a wider still is scaled down before it is stored",
        json_schema_extra=LIVE,
    )
    jpeg_quality: int = Field(
        85, ge=40, le=100, description="of stored pictures", json_schema_extra=LIVE
    )
    granted_days: int = Field(
        30,
        ge=1,
        le=3650,
        description="days that granted passages are kept",
        json_schema_extra=LIVE_OWNER,
    )
    refused_days: int = Field(
        30,
        ge=1,
        le=3650,
        description="days that refused passages are kept",
        json_schema_extra=LIVE_OWNER,
    )
    unsure_days: int = Field(
        7,
        ge=1,
        le=3650,
        description="days that passages with nothing seen, not readable or unsure are kept",
        json_schema_extra=LIVE_OWNER,
    )
    alarm_days: int = Field(
        90,
        ge=1,
        le=3650,
        description="days that passages and events with an alarm are kept",
        json_schema_extra=LIVE_OWNER,
    )
    event_days: int = Field(
        90,
        ge=1,
        le=3650,
        description="days that faults, modes, lost cameras and other events are kept",
        json_schema_extra=LIVE_OWNER,
    )
    evidence_days: int = Field(
        7,
        ge=1,
        le=3650,
        description="days that pictures are kept; those of alarms as long as the alarm",
        json_schema_extra=LIVE_OWNER,
    )
    unknown_text_hours: int | None = Field(
        None,
        ge=0,
        le=8760,
        description="hours after which the text of a plate that is on no list becomes a keyed hash;"
        " 0: it is never stored as text; not set: it stays text",
        json_schema_extra=LIVE,
    )
    unknown_pictures: bool = Field(
        True,
        description="keep pictures of passages whose plate is on no list",
        json_schema_extra=LIVE,
    )
    blur_stills: bool = Field(
        False,
        description="blur stored stills outside the plate that was read",
        json_schema_extra=LIVE,
    )
    delete_at_match: bool = Field(
        False,
        description="store granted passages without plate, reading and pictures",
        json_schema_extra=LIVE,
    )
    proof_days: int = Field(
        1095,
        ge=1,
        le=3650,
        description="days that the proof of an erasure is kept",
        json_schema_extra=LIVE,
    )
    evidence_max_mb: int = Field(
        1024,
        ge=1,
        le=1_000_000,
        description="size of all pictures; the oldest are removed first",
        json_schema_extra=LIVE_OWNER,
    )
    passages_max: int = Field(
        100_000,
        ge=100,
        le=10_000_000,
        description="passages kept, and as many other events; the oldest are removed first",
        json_schema_extra=LIVE_OWNER,
    )
    min_free_mb: int = Field(
        200,
        ge=10,
        le=100_000,
        description="no picture is stored if less space is free",
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


class SamplesSettings(SettingsModel):
    """Stills that were unread or corrected, kept with consent."""

    consent: str = Field(
        "",
        max_length=200,
        description="who agreed that such stills are kept, and when; empty: none is kept."
        " `plategate samples on` fills it in",
        json_schema_extra=LIVE,
    )
    stills_max: int = Field(
        200,
        ge=1,
        le=10_000,
        description="samples kept; the oldest uncorrected ones are removed first",
        json_schema_extra=LIVE,
    )
    days: int = Field(
        90, ge=1, le=730, description="days that samples are kept", json_schema_extra=LIVE
    )
