# SPDX-License-Identifier: Apache-2.0
"""A scenario file (TOML) in, its checked parts out: the site, the steps, and what must come of it.

The format is told in docs/scenarios.md. An unknown key is an error with its path.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from plategate.errors import SettingsError, reason_of
from plategate.settings.barrier import BarrierSettings
from plategate.settings.base import SettingsModel
from plategate.settings.lane import LaneSettings, ModeName

Contact = Literal[
    "beam", "inner_beam", "loop", "photocell", "safety", "free_exit", "manual", "fire", "reset"
]


class SiteTable(SettingsModel):
    """How the rehearsed site is built."""

    inputs: tuple[Contact | Literal["distance"], ...] = Field(
        ("beam", "photocell", "free_exit", "manual", "fire", "reset"),
        description="what is wired besides the relays",
    )
    limit_switches: bool = Field(True, description="the arm's ends are watched")
    arm_travel_s: float = Field(3.0, gt=0, le=60, description="time the arm takes, in s")
    lane: LaneSettings = Field(default_factory=LaneSettings)
    barrier: BarrierSettings = Field(default_factory=BarrierSettings)


class ListsTable(SettingsModel):
    """Who may pass."""

    allow: tuple[str, ...] = ()
    block: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()


class Now(SettingsModel):
    """What must be so after a step; what is not named is not looked at."""

    signal: str | None = None
    arm: Literal["up", "down", "between"] | None = None
    open_relay: Literal["on", "off"] | None = None
    fault: str | None = Field(None, description='the latched fault; "none" where there is none')
    passages: int | None = Field(None, description="recorded so far")


class Step(SettingsModel):
    """Things that happen together, then time that passes, then what must be so."""

    say: str = Field(min_length=1, description="what happens, for people")
    plate: str | None = Field(None, description='the camera sees this plate; "" sees none')
    confidence: float = Field(0.99, ge=0, le=1, description="how sure that plate is read")
    still: Path | None = Field(None, description="the camera sees this picture (real pipeline)")
    active: tuple[Contact, ...] = ()
    inactive: tuple[Contact, ...] = ()
    unknown: tuple[Contact, ...] = ()
    distance_m: float | None = Field(None, description="something stands at this distance")
    camera: Literal["well", "dead", "dies after one still"] | None = None
    arm: Literal["jammed", "free", "forced up", "forced down"] | None = None
    lists: Literal["gone"] | None = None
    power: Literal["cut", "back"] | None = None
    mode: ModeName | None = None
    request: Literal["trigger", "open", "reset"] | None = None
    times: int = Field(1, ge=1, le=1000, description="the whole step is repeated so often")
    wait: float = Field(0.0, ge=0, le=1e6, description="seconds that pass then")
    now: Now = Field(default_factory=Now)


class ExpectedPassage(SettingsModel):
    """One passage, in order."""

    reason: str
    plate: str | None = None
    trigger: str | None = None
    barrier: str | None = Field(None, description="how its sentence begins")
    vehicles: int | None = None


class Expected(SettingsModel):
    """What must have come of it in the end."""

    passages: tuple[ExpectedPassage, ...]
    reports: tuple[str, ...] = Field((), description="in order; all of them")
    openings: int = Field(description="how often the OPEN relay went on")
    interrupted: int = Field(0, description="grants that a power cut left, found in the journal")
    closings: int = Field(0, description="how often the CLOSE relay went on")


class Scenario(SettingsModel):
    """One story about one lane."""

    title: str
    promise: str = Field(description="what must hold, in one sentence")
    site: SiteTable = Field(default_factory=SiteTable)
    lists: ListsTable = Field(default_factory=ListsTable)
    step: tuple[Step, ...] = Field(min_length=1)
    expect: Expected


def load_scenario(file: Path) -> Scenario:
    """Read and check a scenario; SettingsError names file, key and limit."""
    try:
        raw: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
        return Scenario.model_validate(raw)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{file}: {reason_of(error)}") from error
    except ValidationError as error:
        places = (
            f"{file}: {'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()
        )
        raise SettingsError("\n".join(places)) from None
