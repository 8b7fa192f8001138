# SPDX-License-Identifier: Apache-2.0
"""Guards: docs/installer/lane.md and docs/integrator/scenarios.md agree with the code."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from plategate.messages import FaultCode

ROOT = Path(__file__).parent.parent.parent
LANE = (ROOT / "docs" / "installer" / "lane.md").read_text(encoding="utf-8")
SCENARIOS = (ROOT / "docs" / "integrator" / "scenarios.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", FaultCode)
def test_ok__every_fault_is_documented_with_its_blink_count(code: FaultCode) -> None:
    assert f"| {code.value} | {code.blinks} |" in LANE


@pytest.mark.parametrize("file", sorted((ROOT / "tests" / "scenarios").glob("*.toml")))
def test_ok__every_scenario_is_listed_with_its_promise(file: Path) -> None:
    promise = tomllib.loads(file.read_text(encoding="utf-8"))["promise"]
    assert f"| {file.stem} | {promise} |" in SCENARIOS
