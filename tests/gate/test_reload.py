# SPDX-License-Identifier: Apache-2.0
"""Guards: a reload adopts live keys between two passages, and nothing moves.

The gate runs inline on a manual clock. Invalid files are named. Restarts: test_reload_restart.py.
"""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from plategate.samples.store import FOLDER, SampleStore
from plategate.settings import Settings
from plategate.values import (
    Passage,
    PlateRegion,
    PlateSighting,
    Reason,
    Result,
    Still,
    Verdict,
)

from .conftest import KNOWN, SURE, WEAK, Change, ReloadedGate


def test_ok__the_next_vehicle_is_judged_by_the_new_settings(gate: ReloadedGate, changed: Change):
    gate.come(KNOWN, WEAK)
    gate.drive_through()
    edges = list(gate.edges)
    gate.told.clear()
    gate.reload(changed("access", min_confidence=SURE))
    gate.wait(1.0)
    assert gate.edges == edges
    assert gate.told == ["RELOADING=1", "READY=1"]
    gate.clock.advance_to(gate.clock.monotonic() + 100.0)  # beyond the window of one visit
    gate.come(KNOWN, WEAK)
    assert gate.verdicts == ["allowed", "weak_reading"]
    assert not gate.ends
    assert gate.site.gate.status().passages == 2


def test_ok__lane_and_journal_adopt_the_new_settings(gate: ReloadedGate, changed: Change):
    lane = changed("lane", attempts=3, retry_after_ms=500)
    new = lane.model_copy(update={"journal": changed("journal", evidence="none").journal})
    gate.reload(new)
    assert gate.journal.order == ["keeps none"]
    bursts: list[int] = []
    read = gate.site.reader.read_burst
    gate.site.reader.read_burst = lambda stills: bursts.append(1) or read(stills)
    gate.come("XX99XXX", SURE)
    gate.wait(5.0)
    assert len(bursts) == 3


def test_ok__the_consent_to_samples_counts_from_the_reload_on(
    gate: ReloadedGate, changed: Change, settings: Settings
):
    corners = ((4.0, 4.0), (9.0, 4.0), (9.0, 6.0), (4.0, 6.0))
    still = Still(np.zeros((20, 30, 3), np.uint8), "test")
    sighting = PlateSighting(None, None, still, unread=(PlateRegion(corners, 0.5, "test"),))
    verdict = Verdict(Result.UNSURE, Reason.NOTHING_SEEN)
    store = SampleStore(settings.journal.dir / FOLDER)
    for name in ("before", "after"):
        gate.site.samples.recorded(
            Passage(name, "gate", datetime.now(UTC), "beam", verdict), sighting
        )
        gate.reload(changed("samples", consent="the owner"))
    assert [sample.id for sample in store.all()] == ["after"]


def test_ok__a_new_mode_applies_at_once(gate: ReloadedGate, changed: Change):
    gate.reload(changed("lane", mode="locked"))
    assert gate.site.gate.status().mode == "locked"
    assert gate.edges == []


@pytest.mark.parametrize("stage", ["waiting", "let in"])
def test_ok__a_passage_in_progress_ends_with_the_old_settings(
    gate: ReloadedGate, changed: Change, settings: Settings, stage: str
):
    if stage == "let in":
        gate.come(KNOWN, SURE)
        assert gate.site.gate.status().openings == 1
    else:
        gate.reload(changed("lane", attempts=2))
        gate.come("XX99XXX", SURE)
        assert gate.site.gate.status().reading == "waiting"
    gate.journal.order.clear()
    gate.reload(changed("journal", evidence="none"))
    assert "keeps none" not in gate.journal.order
    gate.drive_through() if stage == "let in" else gate.wait(5.0)
    order = [item for item in gate.journal.order if item.startswith(("record", "keeps"))]
    assert [item.split()[0] for item in order] == ["record", "keeps"]


def test_fail__an_invalid_file_changes_nothing_and_is_reported(
    gate: ReloadedGate, changed: Change, settings: Settings, caplog: pytest.LogCaptureFixture
):
    message = "settings.toml: access.min_confidence = 7: must be at most 1"
    gate.reload(message)
    gate.reload(message)
    gate.wait(1.0)
    assert gate.failures == [f"{message}; the previous settings stay in force"]
    assert sum(message in record.getMessage() for record in caplog.records) == 1
    assert gate.told[-4:] == ["RELOADING=1", "READY=1"] * 2
    assert gate.good == []
    gate.come(KNOWN, WEAK)
    assert gate.site.gate.status().openings == 1
    gate.reload(settings)
    assert gate.failures == []
    assert gate.good == [settings]
    assert not gate.ends


@pytest.mark.parametrize(
    ("table", "keys", "named"),
    [
        ("lane", {"triggers": ("loop",)}, "settings.toml: lane.triggers: loop is not wired"),
        ("access", {"holidays": ("someday",)}, "settings.toml: access.holidays: "),
        ("pins", {"open_relay": None}, "settings.toml: pins.open_relay is not set"),
        ("access", {"zone": "Europe/Nowhere"}, "settings.toml: access.zone = 'Europe/Nowhere'"),
    ],
)
def test_fail__contradicting_settings_count_as_invalid(
    gate: ReloadedGate, changed: Change, table: str, keys: dict[str, object], named: str
):
    gate.reload(changed(table, **keys))
    assert gate.failures[0].startswith(named)
    assert not gate.ends
