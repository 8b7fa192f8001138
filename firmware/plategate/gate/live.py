# SPDX-License-Identifier: Apache-2.0
"""Make of new settings what a running gate takes over; tell settings that no gate can start with.

What is taken over here and what the settings models mark as live are held together by a test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from plategate.access.rules import AccessRules, access_rules
from plategate.clock import Clock
from plategate.gate.modes import mode_chooser
from plategate.gate.rules import lane_rules
from plategate.lane import LaneRules
from plategate.messages import InputName, Mode
from plategate.settings import Settings
from plategate.settings.journal import JournalSettings


@dataclass(frozen=True, slots=True)
class Live:
    """What lane, judge and journal go by."""

    rules: LaneRules
    mode: Callable[[], Mode]
    terms: AccessRules
    journal: JournalSettings


def live_settings(settings: Settings, clock: Clock, clock_trusted: Callable[[], bool]) -> Live:
    """What these settings ask for.

    Raises SettingsError where they contradict each other: a gate that ended for them would not
    come up again.
    """
    return Live(
        rules=lane_rules(settings.lane, settings.barrier, _wired(settings)),
        mode=mode_chooser(settings.lane, settings.access, clock, clock_trusted),
        terms=access_rules(settings.access),
        journal=settings.journal,
    )


def _wired(settings: Settings) -> frozenset[InputName]:
    """The inputs that a site with these settings has."""
    wired = {InputName(name) for name in settings.pins.inputs}
    if settings.pins.distance is not None:
        wired.add(InputName.DISTANCE)
    if settings.triggers.motion.enabled:
        wired.add(InputName.MOTION)
    return frozenset(wired)
