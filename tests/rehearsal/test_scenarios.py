# SPDX-License-Identifier: Apache-2.0
"""Every scenario of tests/scenarios meets its expectations, on mock pins with a manual clock.

The scenarios specify what the gate does on a site; each states its promise.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from plategate.errors import SettingsError
from plategate.rehearsal.scenario import play
from plategate.rehearsal.scenario_file import load_scenario

FOLDER = Path(__file__).parent.parent / "scenarios"
SCENARIOS = sorted(FOLDER.glob("*.toml"))


@pytest.mark.parametrize("file", SCENARIOS, ids=lambda file: file.stem)
def test_ok__the_expectations_of_every_scenario_are_met(file: Path) -> None:
    result = play(load_scenario(file), file.parent)
    assert result.wrong == []


def test_ok__the_required_scenarios_exist() -> None:
    names = " ".join(file.stem for file in SCENARIOS)
    required = (
        "tailgater", "reversing", "stops-under-the-arm", "beam-flutter", "stuck-sensor",
        "camera-dies", "power-cut", "wanted", "list-gone", "fire",
    )  # fmt: skip
    for name in required:
        assert name in names


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("title = 1", "title"),
        ("titel = 'x'", "titel: unknown key"),
        ("[[step]]\nsay = 'x'\nactive = ['bean']", r"step.0.active.0 = 'bean': must be 'beam',"),
        ("[[step]]\nwait = 1", "step.0.say: is missing"),
        ("[[step]]\nsay = 'x'\nwait = nan", "step.0.wait = nan: must be a finite number"),
        ("[step]\nsay = 'x'", r"step: must be a list of tables; write \[\[step\]\]"),
        ("[[expect]]\nopenings = 1", r"must be a table; write \[expect\], not"),
        ("", "is empty"),
        ("a = " + "[" * 20_000, "nested too deeply"),
        ("= =", "Invalid"),
        ("[lists]\nallow = ['HH-X*']", r"lists\.allow\.0 = .*wildcards are not supported"),
        ("[[step]]\nsay = 'x'\nplate = '#A1'", r"step\.0\.plate = .*commented out"),
    ],
)
def test_fail__an_invalid_scenario_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=sentence):
        load_scenario(file)


def test_fail__an_unmet_expectation_is_named(tmp_path: Path) -> None:
    text = (FOLDER / "01-resident.toml").read_text(encoding="utf-8")
    file = tmp_path / "wrong.toml"
    file.write_text(text.replace('allow = ["B 839 HAR"]', "allow = []"), encoding="utf-8")
    result = play(load_scenario(file), tmp_path)
    assert any("reason is" in sentence for sentence in result.wrong)
    assert any("openings are 0, not 1" in sentence for sentence in result.wrong)
