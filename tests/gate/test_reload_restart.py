# SPDX-License-Identifier: Apache-2.0
"""Guards: what needs a restart ends the gate by name, but lets no arm down that is kept up.

The gate works inline on a turned clock.
"""

from __future__ import annotations

import logging

import pytest

from plategate.messages import InputName, Level, TriggerRequested
from plategate.settings import Settings
from plategate.settings.pins import PinsSettings

from .conftest import KNOWN, SURE, Change, ReloadedGate


def test_ok__a_pin_asks_for_the_restart_by_its_name(
    gate: ReloadedGate, settings: Settings, changed: Change, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO)
    beam = settings.pins.beam.model_copy(update={"pin": 26})
    gate.reload(changed("pins", beam=beam))
    assert gate.ends
    assert "restarting to apply pins.beam.pin" in caplog.text
    assert gate.edges == []


def test_ok__without_any_pin_it_ends_to_come_up_unwired(
    gate: ReloadedGate, settings: Settings
) -> None:
    gate.reload(settings.model_copy(update={"pins": PinsSettings()}))
    assert gate.failures == []
    assert gate.ends
    assert gate.edges == []


def test_ok__the_restart_too_waits_for_the_passage(gate: ReloadedGate, changed: Change):
    gate.come(KNOWN, SURE)
    gate.reload(changed("barrier", travel_s=9.0))
    assert not gate.ends
    gate.drive_through()
    assert gate.ends


@pytest.mark.parametrize("why", ["fire", "open", "vehicle under the arm"])
def test_ok__the_restart_lets_down_no_arm_that_is_kept_up(settings: Settings, why: str):
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


def test_ok__a_mode_that_lets_the_arm_down_does_not_wait_for_that(
    gate: ReloadedGate, settings: Settings, changed: Change
) -> None:
    gate.reload(changed("lane", mode="open"))
    gate.wait(30.0)
    assert gate.site.gate.status().arm == "up"
    gate.reload(changed("barrier", travel_s=9.0))
    gate.wait(30.0)
    assert gate.ends


def test_ok__a_fault_keeps_no_settings_waiting_that_may_mend_it(
    gate: ReloadedGate, changed: Change
):
    gate.site.arm.jammed = True
    gate.come(KNOWN, SURE)
    gate.leave()
    gate.wait(100.0)
    assert gate.site.gate.status().fault is not None
    gate.reload(changed("barrier", travel_s=9.0))
    assert gate.ends


def test_ok__what_was_taken_back_in_time_is_not_taken_over(
    gate: ReloadedGate, changed: Change, settings: Settings
):
    gate.site.gate.post(TriggerRequested())
    gate.come(KNOWN, SURE)
    gate.reload(changed("barrier", travel_s=9.0))
    gate.reload(settings)
    gate.drive_through()
    assert not gate.ends
