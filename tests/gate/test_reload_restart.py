# SPDX-License-Identifier: Apache-2.0
"""Guards: a key that needs a restart ends the gate and is named; a held arm is never lowered.

The gate runs inline on a manual clock.
"""

from __future__ import annotations

import logging

import pytest

from plategate.messages import InputName, Level
from plategate.settings import Settings
from plategate.settings.pins import PinsSettings
from tests.commanded import commanded

from .conftest import KNOWN, SURE, Change, ReloadedGate


def test_ok__a_restart_names_the_pin_that_needs_it(
    gate: ReloadedGate, settings: Settings, changed: Change, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO)
    beam = settings.pins.beam.model_copy(update={"pin": 26})
    gate.reload(changed("pins", beam=beam))
    assert gate.ends
    assert "restarting to apply pins.beam.pin" in caplog.text
    assert gate.edges == []


def test_ok__removing_every_pin_restarts(gate: ReloadedGate, settings: Settings) -> None:
    gate.reload(settings.model_copy(update={"pins": PinsSettings()}))
    assert gate.failures == []
    assert gate.ends
    assert gate.edges == []


def test_ok__a_restart_waits_for_the_passage(gate: ReloadedGate, changed: Change):
    gate.come(KNOWN, SURE)
    gate.reload(changed("barrier", travel_s=9.0))
    assert not gate.ends
    gate.drive_through()
    assert gate.ends


@pytest.mark.parametrize("why", ["fire", "open", "vehicle under the arm"])
def test_ok__a_restart_waits_while_the_arm_is_held_up(settings: Settings, why: str):
    pins = settings.pins.model_dump(exclude_none=True) | {"fire": {"pin": 13}}
    update: dict[str, object] = {"pins": PinsSettings.model_validate(pins)}
    update["barrier"] = settings.barrier.model_copy(update={"style": "hold"})
    site = settings.model_copy(update=update)
    gate = ReloadedGate(site)
    if why == "fire":
        gate.site.board.put(InputName.FIRE, Level.ACTIVE)
    elif why == "open":
        site = site.model_copy(update={"lane": site.lane.model_copy(update={"mode": "open"})})
        gate.reload(site)
    else:
        gate.come(KNOWN, SURE)
        gate.site.board.put(InputName.PHOTOCELL, Level.ACTIVE)
    gate.wait(100.0)
    barrier = site.barrier.model_copy(update={"travel_s": 9.0})
    gate.reload(site.model_copy(update={"barrier": barrier}))
    gate.wait(3600.0)
    assert not gate.ends
    assert gate.edges == [("open_relay", True)]
    waiting = gate.site.gate.new_settings()
    assert waiting["keys"] == ["barrier.travel_s"]
    assert waiting["waits_for"] == (
        "fire is on until it is reset" if why == "fire" else "the arm is held up"
    )
    assert waiting["waiting_s"] >= 3600.0
    if why == "vehicle under the arm":
        gate.drive_through()
        assert gate.ends
        assert gate.site.gate.new_settings() is None
    gate.site.gate.shut_down()
    gate.site.close()


def test_ok__a_pending_mode_that_lowers_the_arm_applies_while_waiting(
    gate: ReloadedGate, settings: Settings, changed: Change
) -> None:
    gate.reload(changed("lane", mode="open"))
    gate.wait(30.0)
    assert gate.site.gate.status().arm == "up"
    gate.reload(changed("barrier", travel_s=9.0))
    gate.wait(30.0)
    assert gate.ends


def test_ok__a_latched_fault_does_not_delay_new_settings(gate: ReloadedGate, changed: Change):
    gate.site.arm.jammed = True
    gate.come(KNOWN, SURE)
    gate.leave()
    gate.wait(100.0)
    assert gate.site.gate.status().fault is not None
    gate.reload(changed("barrier", travel_s=9.0))
    assert gate.ends


def test_ok__settings_reverted_while_pending_are_dropped(
    gate: ReloadedGate, changed: Change, settings: Settings
):
    gate.site.gate.post(commanded("trigger"))
    gate.come(KNOWN, SURE)
    gate.reload(changed("barrier", travel_s=9.0))
    gate.reload(settings)
    gate.drive_through()
    assert not gate.ends


def test_ok__a_camera_driver_that_hangs_restarts_the_process_between_vehicles(gate: ReloadedGate):
    gate.come(KNOWN, SURE)
    gate.site.gate.restart_when_idle("opening the camera still hangs")
    assert "opening the camera still hangs" in gate.failures
    gate.wait(0.1)
    assert not gate.ends
    gate.drive_through()
    assert gate.ends


def test_ok__a_camera_driver_that_recovers_in_time_needs_no_restart(gate: ReloadedGate):
    gate.come(KNOWN, SURE)
    gate.site.gate.restart_when_idle("opening the camera still hangs")
    gate.site.gate.restart_when_idle(None)
    gate.drive_through()
    assert gate.failures == []
    assert not gate.ends
