# SPDX-License-Identifier: Apache-2.0
"""The [access] table: the files of lists and records, and who may pass."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from plategate.settings.base import LIVE, LIVE_OWNER, SettingsModel, SocketPath
from plategate.settings.state_paths import LANE_STATE, LIST_STATE, SHARED_STATE, StatePath


class AccessSettings(SettingsModel):
    """Who may pass, and how certain a reading must be."""

    file: StatePath = Field(
        LIST_STATE / "lists.sqlite", description="SQLite file of lists and records"
    )
    min_confidence: float = Field(
        0.5,  # chosen with scripts/matching_rates, docs/matching.md
        ge=0.0,
        le=1.0,
        description="least confidence of the weakest character of a reading to open",
        json_schema_extra=LIVE_OWNER,
    )
    zone: str = Field(
        "",
        description='time zone of the site, such as "Europe/Berlin"; empty: the zone of the system',
        json_schema_extra=LIVE,
    )
    holidays: tuple[str, ...] = Field(
        (),
        description='public holidays: "2026-06-04" once, "12-25" yearly, "easter+1" movable',
        json_schema_extra=LIVE_OWNER,
    )
    strictness: Literal["exact", "lookalike", "likely"] = Field(
        "exact",
        description="what may count as a listed plate; see docs/matching.md",
        json_schema_extra=LIVE_OWNER,
    )
    visits_file: StatePath = Field(
        SHARED_STATE / "visits.sqlite",
        description="SQLite file of uses of entries and plates inside",
    )
    direction: Literal["in", "out", ""] = Field(
        "", description="direction of this lane; empty: both or unknown", json_schema_extra=LIVE
    )
    anti_passback: Literal["off", "warn", "refuse"] = Field(
        "off",
        description="what to do with a plate that arrives while it is inside",
        json_schema_extra=LIVE_OWNER,
    )
    clock_stamp: StatePath = Field(
        LANE_STATE / "clock-stamp", description="file of the last trusted time"
    )
    countries: tuple[str, ...] = Field(
        (),
        description="superseded by plates.countries: countries whose places come first",
        json_schema_extra=LIVE,
    )
    list_socket: SocketPath = Field(
        Path("/run/plategate-lists/lists.sock"),
        description="local socket for changes of the lists by the console; the unit"
        " plategate-lists.socket names it too",
        json_schema_extra=LIVE,
    )
    list_users: tuple[str, ...] = Field(
        ("root", "plategate-console"),
        description="system users who may change the lists through that socket",
        json_schema_extra=LIVE,
    )
    list_max_age_days: int = Field(
        0,
        ge=0,
        le=3650,
        description="age from which the allow list is too old, in days; 0: never",
        json_schema_extra=LIVE_OWNER,
    )
    list_undo_days: int = Field(
        30,
        ge=0,
        le=3650,
        description="how long the entries that a change of a list replaced are kept for undo, in"
        " days",
        json_schema_extra=LIVE,
    )
    when_list_too_old: Literal["warn", "unlimited", "closed"] = Field(
        "warn",
        description="warn: as usual; unlimited: only entries without limits; closed: nobody",
        json_schema_extra=LIVE_OWNER,
    )
