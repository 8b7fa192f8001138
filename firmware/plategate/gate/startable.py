# SPDX-License-Identifier: Apache-2.0
"""Settings that a gate can start with: right one by one, and in agreement with each other.

The one place that knows: start, reload, check-config and doctor all ask here.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from plategate.access.rules import access_rules
from plategate.clock import Clock, SystemClock
from plategate.errors import SettingsError
from plategate.gate.live import Live, live_settings
from plategate.gate.modes import mode_chooser
from plategate.plates.grammar import choose_grammar
from plategate.settings import Settings, load_settings


def load_startable(file: Path | None) -> Settings:
    """Read and check the settings, and whether a gate comes up with them.

    Raises SettingsError naming the file and the key.
    """
    settings = load_settings(file)
    try:
        startable(settings, SystemClock(), _trusted)
    except SettingsError as error:
        raise SettingsError(f"{file or 'settings'}: {error}") from None
    return settings


def startable(settings: Settings, clock: Clock, clock_trusted: Callable[[], bool]) -> Live | None:
    """What a gate with these settings goes by; None where no line is set: see `unwired`.

    Raises SettingsError naming the key: a trigger or a relay that is not wired, motion in files, an
    unknown time zone, holiday or country, opening hours that are wrong.
    """
    choose_grammar(settings.vision.countries)
    if settings.triggers.motion.enabled and settings.camera.kind in ("video", "folder"):
        raise SettingsError("triggers.motion.enabled: files do not move; use a real camera")
    if not settings.pins.used:
        mode_chooser(settings.lane, settings.access, clock, clock_trusted)
        access_rules(settings.access)
        return None
    if settings.pins.open_relay is None:
        raise SettingsError("pins.open_relay is not set: there is nothing to open the barrier with")
    if settings.barrier.style == "open_and_close" and settings.pins.close_relay is None:
        raise SettingsError("barrier.style = open_and_close: needs pins.close_relay")
    return live_settings(settings, clock, clock_trusted)


def _trusted() -> bool:
    return True
