# SPDX-License-Identifier: Apache-2.0
"""Settings that a gate can start with: right one by one, and in agreement with each other."""

from __future__ import annotations

from pathlib import Path

from plategate.access.terms import access_terms
from plategate.clock import SystemClock
from plategate.errors import SettingsError
from plategate.gate.live import live_settings
from plategate.gate.modes import mode_chooser
from plategate.settings import Settings, load_settings
from plategate.vision.grammar import choose_grammar


def load_startable(file: Path | None) -> Settings:
    """Read and check the settings, and whether a gate comes up with them.

    Raises SettingsError naming the file and the key: a trigger or the relay that is not wired, an
    unknown time zone, holiday or country, opening hours that are wrong. Settings without any line
    are startable: see `unwired`.
    """
    settings = load_settings(file)
    try:
        _agree(settings)
    except SettingsError as error:
        raise SettingsError(f"{file or 'settings'}: {error}") from None
    return settings


def _agree(settings: Settings) -> None:
    choose_grammar(settings.vision.countries)
    clock = SystemClock()
    if not settings.pins.used:
        mode_chooser(settings.lane, settings.access, clock, _trusted)
        access_terms(settings.access)
        return
    if settings.pins.open_relay is None:
        raise SettingsError("pins.open_relay is not set: there is nothing to open the barrier with")
    live_settings(settings, clock, _trusted)


def _trusted() -> bool:
    return True
