# SPDX-License-Identifier: Apache-2.0
"""Scenario files (TOML): the site, the steps and the expectations, checked; and site settings.

The format is described in docs/integrator/scenarios.md. An unknown key is an error with its path.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from plategate.plates.written import parse_plate
from plategate.settings import Settings
from plategate.settings.access import AccessSettings
from plategate.settings.barrier import BarrierSettings
from plategate.settings.base import SettingsModel
from plategate.settings.journal import JournalSettings
from plategate.settings.lane import LaneSettings, ModeName
from plategate.settings.pins import PinsSettings
from plategate.settings.reading import check, read_toml

FIRST_LINE = 9
LAST_LINE = 27
RELAY_LINES = {"open_relay": 17, "close_relay": 27}

Contact = Literal[
    "beam", "inner_beam", "loop", "photocell", "safety", "free_exit", "manual", "fire", "reset"
]


class SiteTable(SettingsModel):
    """The simulated site."""

    inputs: tuple[Contact | Literal["distance"], ...] = Field(
        ("beam", "photocell", "free_exit", "manual", "fire", "reset"),
        description="inputs that are wired in addition to the relays",
    )
    limit_switches: bool = Field(True, description="the arm has limit switches")
    arm_travel_s: float = Field(3.0, gt=0, le=60, description="time the arm takes, in s")
    lane: LaneSettings = Field(default_factory=LaneSettings)
    barrier: BarrierSettings = Field(default_factory=BarrierSettings)


def _seen_plate(text: str) -> str:
    return parse_plate(text) if text else text


Plate = Annotated[str, AfterValidator(parse_plate)]
SeenPlate = Annotated[str, AfterValidator(_seen_plate)]


class ListsTable(SettingsModel):
    """Plates on the lists."""

    allow: tuple[Plate, ...] = ()
    block: tuple[Plate, ...] = ()
    wanted: tuple[Plate, ...] = ()


class ExpectedNow(SettingsModel):
    """Expectations after a step; keys that are not given are not checked."""

    signal: str | None = None
    arm: Literal["up", "down", "between"] | None = None
    open_relay: Literal["on", "off"] | None = None
    fault: str | None = Field(None, description='the latched fault; "none" where there is none')
    passages: int | None = Field(None, description="recorded so far")


class Step(SettingsModel):
    """Simultaneous changes, then a wait, then expectations."""

    say: str = Field(min_length=1, description="what happens, in words")
    plate: SeenPlate | None = Field(None, description='the camera sees this plate; "" for none')
    confidence: float = Field(0.99, ge=0, le=1, description="confidence of its reading")
    still: Path | None = Field(None, description="the camera sees this picture (real pipeline)")
    active: tuple[Contact, ...] = ()
    inactive: tuple[Contact, ...] = ()
    unknown: tuple[Contact, ...] = ()
    distance_m: float | None = Field(None, description="distance of an object, in m")
    camera: Literal["well", "dead", "dies after one still"] | None = None
    arm: Literal["jammed", "free", "forced up", "forced down"] | None = None
    lists: Literal["gone"] | None = None
    power: Literal["cut", "back"] | None = None
    mode: ModeName | None = None
    request: Literal["trigger", "open", "reset", "hold", "release", "close"] | None = None
    times: int = Field(1, ge=1, le=1000, description="repetitions of the whole step")
    wait: float = Field(0.0, ge=0, le=1e6, description="seconds to wait after the changes")
    now: ExpectedNow = Field(default_factory=ExpectedNow)


class ExpectedPassage(SettingsModel):
    """One expected passage; the order counts."""

    reason: str
    plate: str | None = None
    trigger: str | None = None
    barrier: str | None = Field(None, description="beginning of its barrier text")
    vehicles: int | None = None


class Expected(SettingsModel):
    """Expectations at the end."""

    passages: tuple[ExpectedPassage, ...]
    reports: tuple[str, ...] = Field((), description="all reports, in order")
    openings: int = Field(description="how often the OPEN relay switched on")
    interrupted: int = Field(0, description="unfinished grants found after a power cut")
    closings: int = Field(0, description="how often the CLOSE relay switched on")


class Scenario(SettingsModel):
    """One scenario on one lane."""

    title: str
    promise: str = Field(description="what must hold, in one sentence")
    site: SiteTable = Field(default_factory=SiteTable)
    lists: ListsTable = Field(default_factory=ListsTable)
    step: tuple[Step, ...] = Field(min_length=1)
    expect: Expected


def load_scenario(file: Path) -> Scenario:
    """Read and check a scenario; SettingsError names file, key and what is allowed."""
    return check(Scenario, read_toml(file), str(file))


def site_settings(site: SiteTable, state: Path) -> Settings:
    """The gate settings of a scenario's site, with all state in the folder `state`."""
    return Settings(
        pins=_pins(site),
        lane=site.lane,
        barrier=site.barrier,
        access=AccessSettings(
            file=state / "lists.sqlite",
            visits_file=state / "visits.sqlite",
            clock_stamp=state / "clock-stamp",
            zone="UTC",
        ),
        journal=JournalSettings(dir=state, evidence="none"),
    )


def _pins(site: SiteTable) -> PinsSettings:
    free = [line for line in range(FIRST_LINE, LAST_LINE) if line not in RELAY_LINES.values()]
    table: dict[str, Any] = {"backend": "mock"}
    for name, line in RELAY_LINES.items():
        if name == "open_relay" or site.barrier.style == "open_and_close":
            table[name] = {"pin": line}
    contacts: list[str] = [name for name in site.inputs if name != "distance"]
    if site.limit_switches:
        contacts += ["arm_up", "arm_down"]
    for name in contacts:
        table[name] = {"pin": free.pop(0)}
    if "distance" in site.inputs:
        table["distance"] = {"trigger": free.pop(0), "echo": free.pop(0)}
    return PinsSettings.model_validate(table)
