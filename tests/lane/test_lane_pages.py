# SPDX-License-Identifier: Apache-2.0
"""The pages about the lane and the scenarios say what the code says."""

from __future__ import annotations

import dataclasses
import tomllib
from pathlib import Path

import pytest

from plategate.lane import LaneRules
from plategate.messages import FaultCode
from plategate.settings.barrier import BarrierSettings
from plategate.settings.lane import LaneSettings

ROOT = Path(__file__).parent.parent.parent
LANE = (ROOT / "docs" / "lane.md").read_text(encoding="utf-8")
SCENARIOS = (ROOT / "docs" / "scenarios.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", FaultCode)
def test_ok__every_fault_is_told_with_its_blinks(code: FaultCode) -> None:
    assert f"| {code.value} | {code.blinks} |" in LANE


@pytest.mark.parametrize("file", sorted((ROOT / "tests" / "scenarios").glob("*.toml")))
def test_ok__every_scenario_is_listed_with_its_promise(file: Path) -> None:
    promise = tomllib.loads(file.read_text(encoding="utf-8"))["promise"]
    assert f"| {file.stem} | {promise} |" in SCENARIOS


def test_ok__the_rules_are_those_of_the_settings_by_default() -> None:
    rules = LaneRules(wired=frozenset())
    tables = (LaneSettings(), BarrierSettings())
    compared = 0
    for field in dataclasses.fields(rules):
        for table in tables:
            value = getattr(rules, field.name)
            for name, factor in (
                (field.name, 1),
                (field.name.removesuffix("_s") + "_ms", 1000),
            ):
                if field.name.endswith("_s") and name in type(table).model_fields:
                    assert getattr(table, name) == value * factor, field.name
                    compared += 1
    assert compared > 15
