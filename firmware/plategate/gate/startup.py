# SPDX-License-Identifier: Apache-2.0
"""Decide whether a gate can start with given settings, and derive what it runs with.

Start, reload, check-config and doctor all ask here. Values that are valid one by one but contradict
each other raise SettingsError.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from plategate.access.rules import AccessRules, access_rules
from plategate.clock import Clock, SystemClock
from plategate.errors import SettingsError
from plategate.hardware.interfaces import Inputs
from plategate.lane import LaneRules
from plategate.messages import InputName, Mode
from plategate.plates.formats import check_countries
from plategate.schedule.windows import Holidays, parse_hours
from plategate.schedule.zone import site_zone
from plategate.settings import Settings, load_layers
from plategate.settings.access import AccessSettings
from plategate.settings.barrier import BarrierSettings
from plategate.settings.journal import JournalSettings
from plategate.settings.lane import LaneSettings
from plategate.settings.overlay import ORIGIN, LayeredSettings

logger = logging.getLogger(__name__)

SAFETY = {InputName.PHOTOCELL, InputName.SAFETY}
RELAY_REST_S = 0.2  # pause after a pulse, so that OPEN and CLOSE are never on together
_LANE_RULES = TypeAdapter(LaneRules)


@dataclass(frozen=True, slots=True)
class RuntimeSettings:
    """The part of the settings that a running gate can adopt without a restart."""

    rules: LaneRules
    mode: Callable[[], Mode]
    access: AccessRules
    journal: JournalSettings
    roi: tuple[float, float, float, float]


def load_startable(file: Path | None) -> Settings:
    """Read and check the settings, including whether a gate can start with them.

    Raises SettingsError naming file and key.
    """
    found = startable_layers(load_layers(file), str(file or "settings"))
    for sentence in found.ignored:
        logger.warning("%s", sentence)
    return found.settings


def startable_layers(found: LayeredSettings[Settings], origin: str) -> LayeredSettings[Settings]:
    """The same settings, without the owner's changes where no gate could start with them.

    Raises SettingsError naming `origin` and key where it cannot start without them either.
    """
    try:
        check_startable(found.settings)
    except SettingsError as error:
        if not found.owner:
            raise SettingsError(f"{origin}: {error}") from None
        sentence = f"{', '.join(found.owner)}: {ORIGIN}, but the gate cannot start with it: {error}"
        bare = LayeredSettings(found.base, found.base, {}, (*found.ignored, sentence))
        return startable_layers(bare, origin)
    return found


def check_startable(settings: Settings) -> None:
    """Raise SettingsError naming the key where no gate could start with these settings."""
    runtime_settings(settings, SystemClock(), _trusted)


def runtime_settings(
    settings: Settings, clock: Clock, clock_trusted: Callable[[], bool]
) -> RuntimeSettings | None:
    """Derive what a running gate can adopt; None where no line is set (GateWithoutRelay).

    Raises SettingsError naming the key: a trigger or relay that is not wired, motion detection on
    files, an unknown time zone, holiday or country, invalid opening hours.
    """
    check_countries(settings.plates.countries, "plates.countries")
    check_countries(settings.vision.countries, "vision.countries")
    check_countries(settings.access.countries, "access.countries")
    if settings.triggers.motion.enabled and settings.camera.kind in ("video", "folder"):
        raise SettingsError("triggers.motion.enabled: needs a real camera, not files")
    mode = mode_chooser(settings.lane, settings.access, clock, clock_trusted)
    access = access_rules(settings.access, settings.registration_countries)
    if not settings.pins.used:
        return None
    if settings.pins.open_relay is None:
        raise SettingsError("pins.open_relay is not set: there is nothing to open the barrier with")
    if settings.barrier.style == "open_and_close" and settings.pins.close_relay is None:
        raise SettingsError("barrier.style = open_and_close: needs pins.close_relay")
    rules = lane_rules(settings.lane, settings.barrier, _wired(settings))
    return RuntimeSettings(rules, mode, access, settings.journal, settings.camera.roi)


def lane_rules(
    lane: LaneSettings, barrier: BarrierSettings, wired: frozenset[InputName]
) -> LaneRules:
    """The rules of one lane on a site with these inputs, filled from the settings by name.

    Raises SettingsError where a trigger is not wired, or where a CLOSE relay would be driven
    without a safety input.
    """
    for name in lane.triggers:
        if name not in wired:
            raise SettingsError(f"lane.triggers: {name} is not wired (see [pins])")
    if barrier.style == "open_and_close" and not wired & SAFETY:
        raise SettingsError("barrier.style = open_and_close: needs pins.photocell or pins.safety")
    keys = dict(lane) | dict(barrier) | {"wired": wired}
    rules = _LANE_RULES.validate_python({f.name: _value(f.name, keys) for f in fields(LaneRules)})
    return replace(rules, move_gap_s=max(rules.move_gap_s, rules.pulse_s + RELAY_REST_S))


def all_wired(inputs: Iterable[Inputs]) -> frozenset[InputName]:
    """Every input that exists on the site."""
    return frozenset[InputName]().union(*(each.wired() for each in inputs))


def mode_chooser(
    lane: LaneSettings, access: AccessSettings, clock: Clock, clock_trusted: Callable[[], bool]
) -> Callable[[], Mode]:
    """A function that returns the present mode: `lane.mode`, or that of the first fitting window.

    While the clock is not trusted, windows are ignored. Raises SettingsError for invalid hours.
    """
    base = Mode(lane.mode)
    if not lane.schedule:
        return lambda: base
    try:
        holidays = Holidays(access.holidays)
        windows = [(parse_hours(window.hours), Mode(window.mode)) for window in lane.schedule]
    except ValueError as error:
        raise SettingsError(f"lane.schedule: {error}") from None
    zone = site_zone(access.zone)

    def choose() -> Mode:
        if not clock_trusted():
            return base
        local = clock.wall().astimezone(zone)
        fitting = (mode for hours, mode in windows if hours.allow(local, holidays))
        return next(fitting, base)

    return choose


def _value(field: str, keys: dict[str, Any]) -> Any:
    """The setting for a field of LaneRules: `x` from key `x`, `x_s` from `x_s` or `x_ms`."""
    if field in keys:
        return keys[field]
    return keys[f"{field.removesuffix('_s')}_ms"] / 1000


def _wired(settings: Settings) -> frozenset[InputName]:
    """The inputs that a site with these settings has."""
    wired = {InputName(name) for name in settings.pins.inputs}
    if settings.pins.distance is not None:
        wired.add(InputName.DISTANCE)
    if settings.triggers.motion.enabled:
        wired.add(InputName.MOTION)
    return frozenset(wired)


def _trusted() -> bool:
    return True
