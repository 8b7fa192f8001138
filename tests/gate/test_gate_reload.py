# SPDX-License-Identifier: Apache-2.0
"""Guards: a reload takes over what it can between two passages, and nothing moves at it.

The gate works inline on a turned clock. A slip, and what needs a restart, are named.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest

from plategate.access.control import open_access
from plategate.errors import SettingsError
from plategate.gate.reload import SettingsFile
from plategate.gate.scenario_eye import load_said_or_real, said
from plategate.gate.site import build_site
from plategate.hardware.rehearsal_clock import TurnedClock
from plategate.messages import InputName, Level, TriggerRequested
from plategate.settings import Settings
from plategate.settings.pins import PinsSettings

from .conftest import FakeBook, no_pipeline

KNOWN, WEAK = "AB12CDE", 0.6
SURE = 0.9


class ReloadedGate:
    """A gate whose settings can be written anew while it works."""

    def __init__(self, settings: Settings) -> None:
        self.written: Settings | str = settings
        self.clock = TurnedClock()
        self.book = FakeBook()
        self.told: list[str] = []
        self.good: list[Settings | str] = []
        self.edges: list[tuple[str, bool]] = []
        self.judge = open_access(settings.access)
        self.site = build_site(
            settings,
            turned=self.clock,
            reader=no_pipeline(),
            judge=self.judge,
            book=self.book,
            load=load_said_or_real,
            file=SettingsFile("settings.toml", self._read, lambda: self.good.append(self.written)),
            notify=self.told.append,
        )
        self.site.board.factory.listeners.append(self._edge)
        self.site.gate.start()
        self.wait(1.0)

    def _read(self) -> Settings:
        if isinstance(self.written, str):
            raise SettingsError(self.written)
        return self.written

    def _edge(self, edge: object) -> None:
        relay = self.site.board.relay_of(edge)
        if relay is not None:
            self.edges.append(relay)

    def reload(self, written: Settings | str) -> None:
        self.written = written
        self.site.gate.reload()
        self.site.gate.pump()

    def wait(self, seconds: float) -> None:
        until_s = self.clock.monotonic() + seconds
        while self.clock.monotonic() < until_s:
            due = (until_s, self.clock.next_s(), self.site.gate.deadline)
            moment_s = min(moment for moment in due if moment is not None)
            self.clock.turn_to(max(moment_s, self.clock.monotonic()))
            self.site.gate.pump()

    def come(self, plate: str, sure: float) -> None:
        self.site.camera.show(said(plate, sure))
        self.site.board.put(InputName.BEAM, Level.ACTIVE)
        self.wait(0.2)

    def leave(self) -> None:
        self.site.board.put(InputName.BEAM, Level.INACTIVE)
        self.wait(1.0)

    def drive_through(self) -> None:
        self.site.board.put(InputName.PHOTOCELL, Level.ACTIVE)
        self.leave()
        self.site.board.put(InputName.PHOTOCELL, Level.INACTIVE)
        self.wait(10.0)

    @property
    def verdicts(self) -> list[str]:
        return [passage.verdict.reason.value for passage in self.book.passages]

    @property
    def failures(self) -> list[str]:
        return [failure.sentence for failure in self.site.health.failures()]

    @property
    def ends(self) -> bool:
        return self.site.gate._stopping


@pytest.fixture
def gate(settings: Settings) -> ReloadedGate:
    reloaded = ReloadedGate(settings)
    yield reloaded
    reloaded.site.gate.shut_down()
    reloaded.site.close()


Change = Callable[..., Settings]


@pytest.fixture
def changed(settings: Settings) -> Change:
    """The settings with some keys of one table changed."""

    def change(table: str, **keys: object) -> Settings:
        new = getattr(settings, table).model_copy(update=keys)
        return settings.model_copy(update={table: new})

    return change


def test_ok__the_next_vehicle_is_judged_by_the_new_settings(gate: ReloadedGate, changed: Change):
    gate.come(KNOWN, WEAK)
    gate.drive_through()
    edges = list(gate.edges)
    gate.told.clear()
    gate.reload(changed("access", min_confidence=SURE))
    gate.wait(1.0)
    assert gate.edges == edges
    assert gate.told == ["RELOADING=1", "READY=1"]
    gate.clock.turn_to(gate.clock.monotonic() + 100.0)  # beyond the window of one visit
    gate.come(KNOWN, WEAK)
    assert gate.verdicts == ["allowed", "weak_reading"]
    assert not gate.ends
    assert gate.site.gate.status().passages == 2


def test_ok__lane_and_journal_go_by_the_new_settings(gate: ReloadedGate, changed: Change):
    lane = changed("lane", attempts=3, retry_after_ms=500)
    new = lane.model_copy(update={"journal": changed("journal", evidence="none").journal})
    gate.reload(new)
    assert gate.book.order == ["keeps none"]
    bursts: list[int] = []
    read = gate.site.reader.read_burst
    gate.site.reader.read_burst = lambda stills: bursts.append(1) or read(stills)
    gate.come("XX99XXX", SURE)
    gate.wait(5.0)
    assert len(bursts) == 3


def test_ok__a_mode_of_the_new_settings_is_in_force_at_once(gate: ReloadedGate, changed: Change):
    gate.reload(changed("lane", mode="locked"))
    assert gate.site.gate.status().mode == "locked"
    assert gate.edges == []


@pytest.mark.parametrize("stage", ["waiting", "let in"])
def test_ok__a_passage_under_way_ends_as_it_began(
    gate: ReloadedGate, changed: Change, settings: Settings, stage: str
):
    if stage == "let in":
        gate.come(KNOWN, SURE)
        assert gate.site.gate.status().openings == 1
    else:
        gate.reload(changed("lane", attempts=2))
        gate.come("XX99XXX", SURE)
        assert gate.site.gate.status().reading == "waiting"
    gate.book.order.clear()
    gate.reload(changed("journal", evidence="none"))
    assert "keeps none" not in gate.book.order
    gate.drive_through() if stage == "let in" else gate.wait(5.0)
    order = [item for item in gate.book.order if item.startswith(("record", "keeps"))]
    assert [item.split()[0] for item in order] == ["record", "keeps"]


def test_fail__a_slip_changes_nothing_and_is_named_once(
    gate: ReloadedGate, changed: Change, settings: Settings, caplog: pytest.LogCaptureFixture
):
    slip = "settings.toml: access.min_confidence = 7: Input should be less than or equal to 1"
    gate.reload(slip)
    gate.reload(slip)
    gate.wait(1.0)
    assert gate.failures == [f"{slip}; the settings before it stay in force"]
    assert sum(slip in record.getMessage() for record in caplog.records) == 1
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
def test_fail__settings_that_no_gate_could_start_with_are_a_slip(
    gate: ReloadedGate, changed: Change, table: str, keys: dict[str, object], named: str
):
    gate.reload(changed(table, **keys))
    assert gate.failures[0].startswith(named)
    assert not gate.ends


def test_ok__a_pin_asks_for_the_restart_by_its_name(
    gate: ReloadedGate, settings: Settings, changed: Change, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.INFO)
    beam = settings.pins.beam.model_copy(update={"pin": 26})
    gate.reload(changed("pins", beam=beam))
    assert gate.ends
    assert "ending for pins.beam.pin, to start with it" in caplog.text
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


def test_ok__what_was_taken_back_in_time_is_not_taken_over(
    gate: ReloadedGate, changed: Change, settings: Settings
):
    gate.site.gate.post(TriggerRequested())
    gate.come(KNOWN, SURE)
    gate.reload(changed("barrier", travel_s=9.0))
    gate.reload(settings)
    gate.drive_through()
    assert not gate.ends
