# SPDX-License-Identifier: Apache-2.0
"""The [access] table: the files of lists and records, and who may pass."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from plategate.settings.base import LIVE, LIVE_OWNER, SettingsModel, SocketPath
from plategate.settings.state_paths import LANE_STATE, LIST_STATE, SHARED_STATE, StatePath

WhenFull = Literal["refuse", "report"]


class GroupSettings(SettingsModel):
    """A company or flat with a number of places: the group of its entries in the lists."""

    name: str = Field(
        min_length=1, max_length=80, description="group as the lists name it; case does not matter"
    )
    places: int = Field(ge=0, le=100_000, description="vehicles that may be inside at a time")
    when_full: WhenFull = Field(
        "refuse", description="refuse: nobody else; report: let in, with an alarm"
    )


class AccessSettings(SettingsModel):
    """Who may pass, and how certain a reading must be."""

    file: StatePath = Field(
        LIST_STATE / "lists.sqlite", description="SQLite file of lists and records"
    )
    min_confidence: float = Field(
        0.5,  # chosen with scripts/matching_rates, docs/owner/matching.md
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
        description="what may count as a listed plate; see docs/owner/matching.md",
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
    places: int = Field(
        0,
        ge=0,
        le=100_000,
        description="vehicles that may be inside at a time; 0: not limited. Counted by lanes with a"
        " direction",
        json_schema_extra=LIVE_OWNER,
    )
    when_full: WhenFull = Field(
        "refuse",
        description="when all places are taken: refuse, or let in and report",
        json_schema_extra=LIVE_OWNER,
    )
    full_sign: str = Field(
        "",
        max_length=80,
        description="group whose places the sign at pins.full_sign shows; empty: all places",
        json_schema_extra=LIVE_OWNER,
    )
    forget_inside_hours: int = Field(
        0,
        ge=0,
        le=8760,
        description="hours after which a vehicle inside counts as left (its exit was missed);"
        " 0: never",
        json_schema_extra=LIVE_OWNER,
    )
    groups: tuple[GroupSettings, ...] = Field((), json_schema_extra=LIVE)
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

    @model_validator(mode="after")
    def _groups_are_named_once(self) -> Self:
        names = [" ".join(group.name.split()).casefold() for group in self.groups]
        for number, name in enumerate(names):
            if name in names[:number]:
                raise ValueError(f"groups: {self.groups[number].name!r} is named twice")
        if self.full_sign and " ".join(self.full_sign.split()).casefold() not in names:
            raise ValueError(f"full_sign = {self.full_sign!r}: there is no such group in groups")
        return self
