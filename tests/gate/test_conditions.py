# SPDX-License-Identifier: Apache-2.0
"""Conditions outside the lane (clock, lists, sources, disk) are reported once per change."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from plategate.access.control import ListCondition
from plategate.gate.conditions import Conditions
from plategate.health.monitor import Health
from plategate.messages import ConditionChanged
from plategate.rehearsal.clock import ManualClock


class Surroundings:
    """Clock trust, list state and source folders that a test can change."""

    def __init__(self, folder: Path) -> None:
        self.trusted = True
        self.list = ListCondition(entries=3)
        self.disk: str | None = None
        self.folder = folder
        self.events: list[object] = []
        self.health = Health(ManualClock(), lambda _: None)
        components = SimpleNamespace(
            clock=ManualClock(),
            clock_trusted=lambda: self.trusted,
            access=SimpleNamespace(list_condition=lambda _: self.list),
            journal=SimpleNamespace(disk_problem=lambda: self.disk),
        )
        self.conditions = Conditions(components, self.health, self.events.append, folder)

    def check(self) -> list[tuple[str, str]]:
        """Check twice; the changes that were reported."""
        self.events.clear()
        self.conditions.check()
        self.conditions.check()
        changes = [event for event in self.events if isinstance(event, ConditionChanged)]
        return [(change.what, change.detail) for change in changes]

    def source(self, name: str, problem: str | None, *, refused: bool = False) -> None:
        """Write the state of a list source as the sync does."""
        (self.folder / name).mkdir(exist_ok=True)
        since = (datetime.now(UTC) - timedelta(seconds=1)).isoformat(timespec="seconds")
        state = {"problem": problem, "problem_since": since if problem else None}
        (self.folder / name / "list.json").write_text(json.dumps(state), encoding="utf-8")
        if refused:
            (self.folder / name / "set-aside").write_text("plate\n", encoding="utf-8")


@pytest.fixture
def surroundings(tmp_path: Path) -> Surroundings:
    return Surroundings(tmp_path)


def test_ok__a_normal_start_reports_nothing(surroundings: Surroundings) -> None:
    assert surroundings.check() == []


def test_ok__clock_trust_is_reported_when_it_changes(surroundings: Surroundings) -> None:
    surroundings.trusted = False
    assert surroundings.check() == [("clock_untrusted", "")]
    surroundings.trusted = True
    assert surroundings.check() == [("clock_trusted", "")]


def test_fail__a_list_that_fails_or_ages_is_reported_and_named(surroundings: Surroundings) -> None:
    surroundings.list = ListCondition(failure="lists.sqlite: damaged")
    assert surroundings.check() == [("list_failed", "lists.sqlite: damaged")]
    assert [failure.name for failure in surroundings.health.failures()] == ["list"]
    surroundings.list = ListCondition(too_old=True)
    assert [what for what, _ in surroundings.check()] == ["list_too_old"]
    surroundings.list = ListCondition()
    assert surroundings.check() == [("list_back", "")]
    assert surroundings.health.failures() == ()


def test_fail__a_list_set_aside_by_the_sync_is_reported(surroundings: Surroundings) -> None:
    surroundings.source("estate", "line 3: no plate", refused=True)
    surroundings.source("yard", "cannot be reached")
    surroundings.source("well", None)
    assert surroundings.check() == [
        ("list_set_aside", "estate: line 3: no plate"),
        ("list_unreachable", "yard: cannot be reached"),
    ]
    surroundings.source("estate", None)
    assert surroundings.check() == [("list_source_back", "estate")]


@pytest.mark.parametrize("text", ["", "[]", "[" * 100_000, "\\xff", '{"problem": 3}'])
def test_fail__a_damaged_state_of_a_source_disturbs_nothing(
    surroundings: Surroundings, text: str
) -> None:
    surroundings.source("estate", "line 3: no plate", refused=True)
    (surroundings.folder / "broken").mkdir()
    (surroundings.folder / "broken" / "list.json").write_text(text, encoding="utf-8")
    assert ("list_set_aside", "estate: line 3: no plate") in surroundings.check()


def test_ok__a_disk_without_room_is_reported_until_it_has_room(surroundings: Surroundings) -> None:
    for surroundings.disk in ("199 MB are free", "198 MB are free"):
        told = surroundings.check()
        assert told == ([("disk_low", "199 MB are free")] if "199" in surroundings.disk else [])
        assert [each.name for each in surroundings.health.failures()] == ["disk"]
    surroundings.disk = None
    assert surroundings.check() == [("disk_back", "")]
    assert not surroundings.health.failures()
