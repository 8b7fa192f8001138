# SPDX-License-Identifier: Apache-2.0
"""Run a scenario on a simulated site with a manual clock and check the expectations.

Lane, debouncing, relay drive, lists and journal are the real ones, run inline. Relay edges are
those of the mock pins.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from plategate.access.store.changes import replace_list
from plategate.access.store.database import open_for_writing
from plategate.access.store.lists import ListName
from plategate.journal import open_journal
from plategate.messages import (
    CommandName,
    CommandRequested,
    InputName,
    Level,
    Mode,
)
from plategate.rehearsal.board import Edge
from plategate.rehearsal.clock import ManualClock
from plategate.rehearsal.scenario_file import Scenario, Step, site_settings
from plategate.rehearsal.scenario_reader import ScenarioReader, load_scripted, scripted_plate
from plategate.rehearsal.scenario_result import ScenarioResult, check_result, check_step
from plategate.rehearsal.site import Site, build_site
from plategate.values import ListEntry
from plategate.vision.pipeline import build_pipeline

COMMAND_VALID_S = 5.0
MAX_ADVANCE_S = 1.0
CAMERAS = {"well": None, "dead": 0, "dies after one still": 1}


def play(
    scenario: Scenario, folder: Path, on_step: Callable[[float, str], None] | None = None
) -> ScenarioResult:
    """Run a scenario. Picture paths are relative to `folder`; `on_step` gets time and text of
    each step as it begins."""
    with tempfile.TemporaryDirectory(prefix="plategate-scenario-") as state:
        return _ScenarioRun(
            scenario, folder, Path(state), on_step or (lambda _at, _say: None)
        ).play()


class _ScenarioRun:
    def __init__(
        self, scenario: Scenario, folder: Path, state: Path, on_step: Callable[[float, str], None]
    ) -> None:
        self._scenario = scenario
        self._folder = folder
        self._on_step = on_step
        self._settings = site_settings(scenario.site, state)
        self._clock = ManualClock()
        self._began_s = self._clock.monotonic()
        self._reader = ScenarioReader(
            lambda: build_pipeline(self._settings.vision, countries=self._settings.format_countries)
        )
        self._mode = Mode(scenario.site.lane.mode)
        self._levels: dict[InputName, Level] = {}
        self._shown: list[Path] = []
        self._starts = 0
        self._powered = True
        self._result = ScenarioResult(scenario)
        self._fill_lists()
        self._site = self._build(position="down")

    def play(self) -> ScenarioResult:
        result = self._result
        for number, step in enumerate(self._scenario.step, start=1):
            for _ in range(step.times):
                self._on_step(self._clock.monotonic() - self._began_s, step.say)
                self._apply(step)
                self._advance(step.wait)
            found = check_step(step.now, self._site, len(result.passages))
            result.wrong += [f"step {number} ({step.say}): {sentence}" for sentence in found]
        self._site.gate.shut_down()
        self._site.close()
        result.wrong += check_result(self._scenario.expect, result)
        return result

    def _build(self, position: str) -> Site:
        self._starts += 1
        journal = open_journal(self._settings.journal)
        self._result.interrupted += len(journal.unfinished_grants())
        site = build_site(
            self._settings,
            manual=self._clock,
            reader=self._reader,
            journal=journal,
            travel_s=self._scenario.site.arm_travel_s,
            load=load_scripted,
            mode=lambda: self._mode,
            prefix=f"S{self._starts}",
            log=self._result.log,
            arm_position=position,
        )
        site.board.factory.listeners.append(lambda edge: self._edge(site, edge))
        for name, level in self._levels.items():
            site.board.put(name, level)
        if site.distance is not None:
            site.distance.measure(float("inf"))
        site.gate.start()
        return site

    def _edge(self, site: Site, edge: Edge) -> None:
        relay = site.board.relay_of(edge)
        if relay is not None:
            self._result.relay.append((edge.at_s - self._began_s, *relay))

    def _fill_lists(self) -> None:
        store = open_for_writing(self._settings.access.file)
        for name in ListName:
            plates = getattr(self._scenario.lists, name.value)
            entries = [ListEntry(plate=plate) for plate in plates]
            replace_list(
                store, name, entries, who="scenario", at=self._clock.wall(), source="scenario"
            )
        store.close()

    def _apply(self, step: Step) -> None:
        self._set_camera(step)
        for level in (Level.ACTIVE, Level.INACTIVE, Level.UNKNOWN):
            for contact in getattr(step, level.value):
                self._levels[InputName(contact)] = level
                self._site.board.put(InputName(contact), level)
        if step.distance_m is not None and self._site.distance is not None:
            self._site.distance.measure(step.distance_m)
        if step.lists == "gone":
            for file in self._settings.access.file.parent.glob("lists.sqlite*"):
                file.unlink()
        self._move_arm(step)
        self._send_requests(step)
        self._power(step)
        self._pump()

    def _set_camera(self, step: Step) -> None:
        if step.plate is not None:
            self._shown = [scripted_plate(step.plate, step.confidence)]
        if step.still is not None:
            self._shown = [self._folder / step.still]
        self._site.camera.show(*self._shown)
        if step.camera is not None:
            self._site.camera.dies_after = CAMERAS[step.camera]

    def _move_arm(self, step: Step) -> None:
        if step.arm in ("jammed", "free"):
            self._site.arm.jammed = step.arm == "jammed"
        elif step.arm is not None:
            self._site.arm.force(step.arm.removeprefix("forced "))

    def _send_requests(self, step: Step) -> None:
        if step.mode is not None:
            self._mode = Mode(step.mode)
        if step.request is not None:
            until_s = self._clock.monotonic() + COMMAND_VALID_S
            command = CommandName(step.request)
            self._site.gate.post(CommandRequested("scenario", command, "console", until_s))

    def _power(self, step: Step) -> None:
        if step.power == "cut":
            self._site.lose_power()
            self._powered = False
        elif step.power == "back":
            position = self._site.arm.position
            self._site.arm.force(position)
            self._site = self._build(position)
            self._site.camera.show(*self._shown)
            self._powered = True

    def _advance(self, seconds: float) -> None:
        until_s = self._clock.monotonic() + seconds
        while self._clock.monotonic() < until_s:
            moments = (
                until_s,
                self._clock.monotonic() + MAX_ADVANCE_S,
                self._clock.next_s(),
                self._site.gate.deadline if self._powered else None,
            )
            next_s = min(moment for moment in moments if moment is not None)
            self._clock.advance_to(max(next_s, self._clock.monotonic()))
            self._pump()

    def _pump(self) -> None:
        if self._powered:
            self._site.gate.pump()
