# SPDX-License-Identifier: Apache-2.0
"""The doctor reports what is broken with a remedy, and a failing check stops no other."""

from __future__ import annotations

import errno
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from plategate.cli import app
from plategate.doctor.board import THROTTLED_FILE
from plategate.doctor.examine import examine
from plategate.doctor.results import Light, Machine, run_command
from plategate.journal import open_journal
from plategate.journal.database import FILE_NAME
from plategate.settings.journal import JournalSettings
from plategate.values import Passage, Reason, Result, Verdict
from plategate.vision.interpreter import installed_runtimes

from .conftest import HEALTHY_UNIT, Bench


def test_ok__healthy_machine(bench: Bench) -> None:
    found = bench.examine()
    for name in ("settings", "python", "runtime", "tesseract", "pins", "temperature", "supply"):
        assert found[name].light is Light.GREEN, found[name]
    for name in ("watchdog", "journal", "disk", "crashes", "service"):
        assert found[name].light is Light.GREEN, found[name]
    assert "48" in found["temperature"].sentence


def test_ok__every_localizer_and_reader_in_use_is_named(bench: Bench) -> None:
    reading = bench.examine()["reading"]
    for name in ("tflite", "contour", "small", "tesseract"):
        assert name in reading.sentence


def test_ok__every_installed_runtime_is_named(bench: Bench) -> None:
    sentence = bench.examine()["runtime"].sentence
    for module in installed_runtimes():
        assert module.partition(".")[0].replace("_", "-") in sentence


def test_ok__every_result_that_is_not_green_has_a_remedy(bench: Bench) -> None:
    for result in bench.examine().values():
        assert bool(result.remedy) == (result.light is not Light.GREEN)


@pytest.mark.parametrize(
    ("path", "text", "name", "light"),
    [
        ("/sys/class/thermal/thermal_zone0/temp", "75000", "temperature", Light.AMBER),
        ("/sys/class/thermal/thermal_zone0/temp", "84000", "temperature", Light.RED),
        ("/sys/class/thermal/thermal_zone0/temp", "junk", "temperature", Light.AMBER),
        (THROTTLED_FILE, "50005", "supply", Light.RED),
        (THROTTLED_FILE, "50000", "supply", Light.AMBER),
    ],
)
def test_fail__board_with_a_problem(
    bench: Bench, path: str, text: str, name: str, light: Light
) -> None:
    bench.put(path, text)
    assert bench.examine()[name].light is light


def test_fail__pins_without_access_for_the_service(bench: Bench) -> None:
    bench.owner_of_pins = "no-such-group"
    assert bench.examine()["pins"].light is Light.RED


def test_fail__no_pins(bench: Bench) -> None:
    (bench.folder / "dev/gpiochip0").unlink()
    assert bench.examine()["pins"].light is Light.RED


def test_fail__watchdog_that_is_not_fed(bench: Bench) -> None:
    bench.watchdog = "0"
    assert bench.examine()["watchdog"].light is Light.AMBER


@pytest.mark.parametrize(
    ("unit", "light"),
    [
        (HEALTHY_UNIT.replace("enabled", "disabled"), Light.RED),
        (HEALTHY_UNIT.replace("active", "failed", 1), Light.RED),
        (HEALTHY_UNIT.replace("loaded", "not-found"), Light.AMBER),
        ("", Light.AMBER),
    ],
)
def test_fail__service_that_is_not_running(bench: Bench, unit: str, light: Light) -> None:
    bench.unit = unit
    assert bench.examine()["service"].light is light


def test_ok__the_list_service_is_checked_where_the_console_is_enabled(bench: Bench) -> None:
    assert bench.examine()["list service"].light is Light.GREEN
    bench.unit = HEALTHY_UNIT.replace("=active", "=inactive")
    found = bench.examine()["list service"]
    assert (found.light, "cannot change the lists" in found.sentence) == (Light.RED, True)
    bench.unit = HEALTHY_UNIT.replace("enabled", "disabled")
    assert "list service" not in bench.examine()


def test_fail__invalid_settings_are_reported_and_the_rest_is_checked(bench: Bench) -> None:
    bench.more = "[journal2]\nx = 1"
    found = bench.examine()
    assert found["settings"].light is Light.RED
    assert "journal2: unknown key" in found["settings"].sentence
    assert "temperature" in found


def test_ok__superseded_settings_are_named(bench: Bench) -> None:
    bench.more = '[vision]\ncountries = ["de"]'
    found = bench.examine()
    assert found["settings"].light is Light.AMBER
    assert "vision.countries: superseded by plates.countries" in found["settings"].sentence


def test_ok__with_invalid_settings_the_last_good_ones_are_used(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = bench.config.rename(bench.folder / "settings.good.toml")
    monkeypatch.setattr("plategate.settings.last_good.LAST_GOOD", good)
    bench.more = "[journal2]"
    found = bench.examine()
    assert found["settings"].light is Light.RED
    assert str(bench.state) in found["disk"].sentence


def test_ok__journal_and_crashes_are_counted(bench: Bench) -> None:
    journal = open_journal(JournalSettings(dir=bench.state))
    at = datetime(2026, 1, 2, tzinfo=UTC)
    journal.record(Passage("a", "l", at, "beam", Verdict(Result.UNSURE, Reason.NOTHING_SEEN)))
    journal.close()
    (bench.state / "crashes").mkdir()
    (bench.state / "crashes" / "crash-20260101T000000-7.txt").write_text("x", encoding="utf-8")
    found = bench.examine()
    assert "1 passages" in found["journal"].sentence
    assert found["crashes"].light is Light.AMBER


def test_fail__damaged_journal(bench: Bench) -> None:
    (bench.state / FILE_NAME).write_bytes(b"no database, " * 1000)
    assert bench.examine()["journal"].light is Light.RED


def test_fail__state_folder_is_missing(bench: Bench) -> None:
    bench.state.rmdir()
    assert bench.examine()["disk"].light is Light.RED


def test_fail__without_the_right_to_read_the_settings_nothing_is_said_of_defaults(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, opened = bench.config, Path.open

    def forbidden(path: Path, *words: Any, **more: Any) -> Any:
        if path == config:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return opened(path, *words, **more)

    monkeypatch.setattr(Path, "open", forbidden)
    (only,) = examine(config, Machine(bench.folder))
    assert (only.name, only.light, only.remedy) == ("settings", Light.RED, "sudo plategate doctor")


def test_fail__unreadable_files_stop_no_other_check(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, stat = bench.config, Path.stat

    def forbidden(path: Path, **how: bool) -> os.stat_result:
        if path.is_relative_to(bench.state):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return stat(path, **how)

    monkeypatch.setattr(Path, "stat", forbidden)
    monkeypatch.setattr(Path, "iterdir", forbidden)
    found = {result.name: result for result in examine(config, Machine(bench.folder))}
    for name in ("lists", "journal", "crashes"):
        assert "Permission denied" in found[name].sentence
    assert "gate" in found


@pytest.mark.parametrize(
    ("error", "light", "sentence"),
    [
        (PermissionError(errno.EACCES, "Permission denied", "/x"), Light.AMBER, "/x: Permission"),
        (KeyError("a bug"), Light.RED, "the check itself failed: KeyError('a bug')"),
    ],
)
@pytest.mark.parametrize("check", ["board._temperature", "software._python", "state._crashes"])
def test_fail__a_check_that_fails_is_a_result_and_stops_no_other(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, check: str,
    error: Exception, light: Light, sentence: str,
) -> None:  # fmt: skip
    expected = set(bench.examine())

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(f"plategate.doctor.{check}", fail)
    found = bench.examine()
    assert set(found) == expected
    broken = found[check.partition("._")[2]]
    assert broken.light is light
    assert sentence in broken.sentence


def test_fail__wiring_without_an_open_relay(bench: Bench) -> None:
    text = bench.config.read_text(encoding="utf-8").replace("[pins.open_relay]\npin = 17\n", "")
    bench.config.write_text(text, encoding="utf-8")
    file = bench.folder / "other.toml"
    file.write_text(text, encoding="utf-8")
    found = {f.name: f for f in examine(file, Machine(bench.folder, bench.command))}
    assert found["wiring"].light is Light.RED


def test_ok__json_output_and_exit_status_1_if_a_result_is_red(bench: Bench) -> None:
    answer = CliRunner().invoke(app, ["doctor", "--json", "--config", str(bench.config)])
    results = json.loads(answer.stdout)
    assert {"name", "light", "sentence", "remedy"} == results[0].keys()
    assert answer.exit_code == int(any(result["light"] == "red" for result in results))


@pytest.mark.parametrize("words", [["no-such-program"], ["false"]])
def test_fail__program_that_is_missing_or_fails(words: list[str]) -> None:
    assert run_command(words) is None
