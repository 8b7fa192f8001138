# SPDX-License-Identifier: Apache-2.0
"""Wiring and camera settings that cannot work are rejected with the full key."""

from __future__ import annotations

from typing import Any

import pytest

from plategate.errors import SettingsError
from plategate.settings import parse_settings
from plategate.settings.camera import CameraSettings

GOOD: dict[str, Any] = {
    "pins": {
        "open_relay": {"pin": 17},
        "beam": {"pin": 5},
        "photocell": {"pin": 6},
        "distance": {"trigger": 23, "echo": 24},
        "red": {"pin": 20},
    },
    "camera": {"kind": "folder", "path": "/srv/stills"},
}


def deviating(table: str, **changes: Any) -> dict[str, Any]:
    return {**GOOD, table: {**GOOD.get(table, {}), **changes}}


def test_ok__valid_settings_and_defaults() -> None:
    assert parse_settings(GOOD, "t").pins.used["distance.echo"] == 24
    assert parse_settings({}, "t").pins.inputs == {}


@pytest.mark.parametrize(
    ("raw", "sentence"),
    [
        (deviating("pins", open_relay={"pin": 4}), "GPIO 4 is pulled up at power-on"),
        (
            deviating("pins", open_relay={"pin": 17, "active_high": False}),
            "GPIO 17 is pulled down at power-on",
        ),
        (deviating("pins", loop={"pin": 17}), "GPIO 17 is used by both open_relay and loop"),
        (deviating("pins", loop={"pin": 24}), "GPIO 24 is used by both loop and distance.echo"),
        (deviating("pins", beam={"pin": 28}), "pins.beam.pin = 28"),
        (deviating("pins", beem={"pin": 9}), "pins.beem: unknown key"),
        (deviating("pins", photocell={"pin": 6, "on_ms": 500}), "pins.photocell.on_ms = 500"),
        (deviating("camera", path=None), "kind = folder needs path"),
        (deviating("camera", roi=(0.5, 0, 0.6, 1)), "roi must lie within the picture"),
        (deviating("camera", day={"exposure_us": 50_000}), "day.exposure_us must fit into a frame"),
        (deviating("camera", night_below=130, day_above=120), "night_below must be darker"),
        (deviating("triggers", distance={"near_m": 1.0, "far_m": 1.02}), "far_m must be at least"),
        (deviating("triggers", motion={"end_share": 0.5}), "end_share < start_share"),
        (deviating("triggers", motion={"zone": (0, 0, 0, 1)}), "zone must lie within"),
    ],
)
def test_fail__reported_with_key_and_limit(raw: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_settings(raw, "settings.toml")
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    "relay",
    [
        {"pin": 4, "active_high": False},
        {"pin": 4, "held_by_resistor": True},
        {"pin": 17, "active_high": False, "held_by_resistor": True},
    ],
)
def test_ok__relay_lines_that_are_off_at_power_on(relay: dict[str, Any]) -> None:
    assert parse_settings(deviating("pins", open_relay=relay), "t").pins.open_relay


def test_ok__a_partial_night_profile_keeps_the_night_defaults() -> None:
    night = CameraSettings.model_validate({"night": {"gain": 6.0}}).night
    assert (night.exposure_us, night.gain, night.ir_lamp) == (2000, 6.0, True)
