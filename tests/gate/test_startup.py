# SPDX-License-Identifier: Apache-2.0
"""Guards: settings no gate can start with are named in advance and not kept as last good."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
from typer.testing import CliRunner

from plategate.cli import app
from plategate.errors import SettingsError
from plategate.gate.startup import lane_rules, load_startable
from plategate.lane import Combine, Style
from plategate.messages import InputName
from plategate.settings.barrier import BarrierSettings
from plategate.settings.lane import LaneSettings
from plategate.settings.last_good import load_or_last_good

SHIPPED = Path(__file__).parents[2] / "firmware" / "system" / "settings.toml"
WIRED = "[pins]\nopen_relay = { pin = 17 }\nbeam = { pin = 22 }\n"
MOVING_FILES = '[camera]\nkind = "folder"\npath = "/tmp"\n[triggers.motion]\nenabled = true\n'
SOURCE = '[[sync.sources]]\nname = "estate"\nkind = "allow"\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "settings.toml"
    file.write_text(WIRED, encoding="utf-8")
    return file


def test_ok__shipped_settings_have_no_line_and_are_startable() -> None:
    assert not load_startable(SHIPPED).pins.used
    answer = CliRunner().invoke(app, ["check-config", str(SHIPPED)])
    assert answer.exit_code == 0
    assert "no line is set under [pins], so nothing can open" in answer.stdout


def test_ok__relay_and_trigger_are_enough(file: Path) -> None:
    assert load_startable(file).pins.used == {"open_relay": 17, "beam": 22}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[pins]\nbeam = { pin = 22 }\n", "pins.open_relay is not set"),
        ("[pins]\nopen_relay = { pin = 17 }\n", "lane.triggers: beam is not wired"),
        ('[access]\nzone = "Mars/Base"\n', "access.zone = 'Mars/Base'"),
        (WIRED + '[access]\nzone = "Mars/Base"\n', "access.zone = 'Mars/Base'"),
        ('[[lane.schedule]]\nhours = "Mo 25-26"\nmode = "open"\n', "lane.schedule: "),
        (WIRED + '[[lane.schedule]]\nhours = "Mo 25-26"\nmode = "open"\n', "lane.schedule: "),
        (WIRED + '[access]\nholidays = ["13-32"]\n', "access.holidays"),
        (WIRED + '[barrier]\nstyle = "open_and_close"\n', "needs pins.close_relay"),
        (MOVING_FILES, "triggers.motion.enabled: needs a real camera, not files"),
        (WIRED + MOVING_FILES, "triggers.motion.enabled: needs a real camera, not files"),
        (
            '[access]\ncountries = ["zz"]\n',
            "access.countries: 'zz': no such country; known are ad,",
        ),
        (
            SOURCE + 'url = "ftp://x/list.csv"\n',
            "sync.sources.0.url = 'ftp://x/list.csv': must be an",
        ),
        (SOURCE + 'url = ""\n', "sync.sources.0.url = '': must be an https://"),
        (SOURCE + 'url = "https://[/"\n', "sync.sources.0.url = 'https://[/'"),
        ("[access]\nmin_confidence = true\n", "access.min_confidence = True: "),
        ("[barrier]\ntravel_s = false\n", "barrier.travel_s = False: "),
        ("\n", "is empty; write a line with # alone to use the defaults"),
        ("[pins]\nbeam = 22\n", "pins.beam = 22: must be a table"),
        (
            "[pins]\nopen_relay = { pin = 17 }\nbeam = { pin = 17 }\n",
            "settings.toml: pins: GPIO 17 is used by both open_relay and beam",
        ),
        (WIRED + '[vision]\ncountries = ["zz"]\n', "vision.countries: 'zz': no such country"),
        (WIRED + '[plates]\ncountries = ["de", "zz"]\n', "plates.countries: 'zz': no such"),
        (
            WIRED + '[plates]\ncountries = ["de"]\n[access]\ncountries = ["at"]\n',
            "plates.countries and access.countries differ; remove access.countries",
        ),
    ],
)
def test_fail__settings_no_gate_can_start_with_are_named(
    file: Path, tmp_path: Path, text: str, says: str
) -> None:
    copy = tmp_path / "good.toml"
    load_or_last_good(file, copy, load_startable)
    file.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        load_startable(file)
    assert str(file) in str(caught.value)
    assert says in str(caught.value)
    settings, wrong = load_or_last_good(file, copy, load_startable)
    assert settings.pins.used
    assert wrong is not None
    assert says in wrong
    assert copy.read_text(encoding="utf-8") == WIRED


def other(value: object) -> object:
    """A valid value that differs from a default of [lane] or [barrier]."""
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int | float) else value


def test_ok__every_rule_of_the_lane_is_filled_from_its_setting() -> None:
    """Also a rule that is added later: `x` from key `x`, `x_s` from key `x_s` or `x_ms`."""
    wired = frozenset({InputName.BEAM, InputName.PHOTOCELL})
    before = lane_rules(LaneSettings(), BarrierSettings(), wired)
    lane = {key: other(value) for key, value in LaneSettings()}
    barrier = {key: other(value) for key, value in BarrierSettings()}
    barrier |= {"pulse_ms": 401, "longest_pulse_ms": 3000, "style": "hold", "forced_open": "report"}
    after = lane_rules(
        LaneSettings.model_validate(lane | {"combine": "all"}),
        BarrierSettings.model_validate(barrier),
        wired,
    )
    unchanged = {
        f.name for f in fields(before) if getattr(before, f.name) == getattr(after, f.name)
    }
    assert unchanged == {"wired", "triggers"}
    assert after.rearm_s == 1.001
    assert (after.combine, after.style) == (Combine.ALL, Style.HOLD)
